import type { Role } from '#shared/protocol/roles.ts';

/** Of events: what people wrote, and who and where they are. */
const privateKeys = new Set(['comment', 'comments', 'answer', 'body', 'text', 'reason', 'person', 'device', 'author']);

/** In place of the sentence that names who has approved. */
const approvalMissing = 'Not everybody whose approval it needs has approved it.';

interface Told {
  readonly data?: unknown;
  readonly job?: unknown;
}

/** Whether somebody of that role sees all there is; then nothing needs to be taken out. */
export function seesAll(role: Role): boolean {
  return role !== 'viewer';
}

/** An event as a viewer may see it: that it happened, without what people wrote or who they are. */
export function viewersEvent<Event extends Told>(event: Event): Event {
  return { ...event, ...('data' in event ? { data: withoutPrivate(event.data) } : {}), ...jobOf(event) };
}

/** A result as a viewer may see it: decisions are taken out of jobs, and private data out of events. */
export function viewersResult(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(viewersResult);
  if (!isRecord(value)) return value;
  const seen = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, viewersResult(inner)]));
  if (Array.isArray(seen['decisions'])) seen['decisions'] = [];
  if (isRecord(value['error']) && value['error']['code'] === 'registry.approval-missing') {
    seen['error'] = { ...value['error'], message: approvalMissing };
    if ('sentence' in seen) seen['sentence'] = approvalMissing;
  }
  return isEvent(value) ? { ...seen, data: withoutPrivate(value['data']) } : seen;
}

function jobOf(event: Told): { readonly job?: unknown } {
  return event.job === undefined ? {} : { job: viewersResult(event.job) };
}

function withoutPrivate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPrivate);
  if (!isRecord(value)) return value;
  const kept = Object.entries(value).filter(([key]) => !privateKeys.has(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutPrivate(inner)]));
}

function isEvent(value: Readonly<Record<string, unknown>>): boolean {
  return 'seq' in value && 'type' in value && 'data' in value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
