import type { NotificationKind } from './configuration.ts';
import type { Job, NotificationMessage, QueuedNotification, RegistryEvent } from './ports/job-registry.ts';
import { withCommand } from './reporting/lines.ts';

/** What messages are made of beside the event and its job. */
export interface MessageContext {
  /** How the commands of this installation are called, e.g. `npx opus`. */
  readonly command: string;
  /** The name by which Obsidian knows the vault. */
  readonly vaultName: string;
  /** Where the dashboard is reached from elsewhere; null when it is not. */
  readonly publicUrl: string | null;
}

/** Receivers cut or refuse what is longer; ntfy makes an attachment of a text above 4,096 bytes. */
const caps = { title: 160, text: 1_200, link: 1_000 } as const;

/** What people are told of an event; null when they are not. */
export function notificationKindOf(event: RegistryEvent): NotificationKind | null {
  switch (event.type) {
    case 'job.succeeded':
      return 'completion';
    case 'job.failed':
      return 'failure';
    case 'job.waiting':
      return event.data['waitingFor'] === 'human' ? 'failure' : null;
    case 'stage.failed': {
      const code = fieldOf(event.data['error'], 'code');
      return code === 'agent.stalled' || code === 'agent.timeout' ? 'stuck' : null;
    }
    case 'runner.recovered':
      return 'recovery';
    case 'approval.requested':
    case 'issue.updated':
    case 'issue.closed':
      return 'decision';
    default:
      return null;
  }
}

/** Whether the event asks for a decision that the job no longer waits for. */
export function isDecided(event: RegistryEvent, job: Job | null): boolean {
  return event.type === 'approval.requested' && job !== null && job.gate?.hash !== event.data['hash'];
}

/** The message of an event that has a kind, at full length. `job` is null for an event of the runner. */
export function notificationMessage(
  event: RegistryEvent,
  job: Job | null,
  context: MessageContext,
): NotificationMessage {
  const link = linkTo(event, job, context);
  const { command } = context;
  if (event.type === 'runner.recovered') return { ...recovered(event, command), link };
  if (event.type === 'issue.updated' || event.type === 'issue.closed') return { ...issueNews(event), link };
  const id = event.jobId ?? '';
  const name = job === null ? id : `${job.featureRequestId} ${job.title}`;
  const error = sentencesOf(event.data['error'] ?? job?.error, command);
  switch (event.type) {
    case 'job.succeeded':
      return {
        title: `Done: ${name}`,
        text: lines(outcomeOf(job), `See what was done with: ${command} job show ${id}`),
        link,
      };
    case 'job.failed':
      return {
        title: `Failed: ${name}`,
        text: lines(...error, `See what was done with: ${command} job show ${id}`),
        link,
      };
    case 'job.waiting': {
      const retry = `${command} job retry ${id}`;
      const isSaid = error.some((sentence) => sentence.includes(`${command} job retry`));
      return { title: `Needs you: ${name}`, text: lines(...error, isSaid ? '' : `Go on with: ${retry}`), link };
    }
    case 'approval.requested':
      return { ...asked(event, job, command, name), link };
    default: {
      const stage = textOr(event.data['stage'], 'current');
      return {
        title: `Stuck in ${stage}: ${name}`,
        text: lines(
          ...error,
          `The ${stage} stage is tried again by itself, as often as opus.yml allows.`,
          `See what it did with: ${command} job log ${id}`,
        ),
        link,
      };
    }
  }
}

function recovered(event: RegistryEvent, command: string): Pick<NotificationMessage, 'title' | 'text'> {
  const jobs = Array.isArray(event.data['jobs']) ? event.data['jobs'].map(String) : [];
  const takenUp =
    jobs.length === 0
      ? 'No job had to be taken up again.'
      : `It has taken up ${jobs.length === 1 ? 'one job' : `${jobs.length} jobs`} again: ${jobs.join(', ')}.`;
  return {
    title: 'The runner is back after a crash',
    text: lines(`It had ended without being asked to. ${takenUp}`, `See where they are with: ${command} status`),
  };
}

function issueNews(event: RegistryEvent): Pick<NotificationMessage, 'title' | 'text'> {
  const request = textOr(event.data['featureRequest'], 'a request');
  const address = textOr(event.data['issue'], '');
  if (event.type === 'issue.closed') {
    return {
      title: `Issue closed: ${request}`,
      text: lines(address, 'Its note goes on; park it if it is not wanted.'),
    };
  }
  return {
    title: `Issue changed: ${request}`,
    text: lines(address, 'Its note is as it was; take over into it what is to count.'),
  };
}

function asked(
  event: RegistryEvent,
  job: Job | null,
  command: string,
  name: string,
): Pick<NotificationMessage, 'title' | 'text'> {
  const request = job?.featureRequestId ?? event.jobId ?? '';
  const gate = textOr(event.data['gate'], 'merge');
  if (gate === 'question') {
    return {
      title: `Asks a question: ${name}`,
      text: lines('It waits for your answer.', `Answer with: ${command} answer ${request} --comment "…"`),
    };
  }
  const hash = textOr(event.data['hash'], '').slice(0, 8);
  const wanted: Record<string, string> = {
    plan: 'Its plan is written; code is written once you approve it.',
    merge: `The change ${hash} is ready; it is merged into ${job?.base ?? 'the base'} once you approve it.`,
    ci: `It changes what the forge runs as soon as it is pushed; it is pushed once you approve that.`,
    budget: 'Its budget is used up; it goes on once you approve that.',
  };
  return {
    title: `Your decision: ${name}`,
    text: lines(
      wanted[gate] ?? `It waits at the ${gate} gate.`,
      gate === 'ci' ? textOr(job?.error?.message, '') : '',
      gate === 'merge' || gate === 'ci' ? `Look at it with: ${command} job diff ${event.jobId ?? ''}` : '',
      `Decide with: ${command} approve ${request}, ${command} changes ${request} --comment "…" or ${command} reject ${request}`,
    ),
  };
}

function outcomeOf(job: Job | null): string {
  if (!job?.mergeCommit) return 'Every stage has passed.';
  return `It is merged into ${job.base} as ${job.mergeCommit.slice(0, 8)}.`;
}

/** The dashboard, else the pull request, else the note. */
function linkTo(event: RegistryEvent, job: Job | null, { vaultName, publicUrl }: MessageContext): string | null {
  if (publicUrl !== null) {
    const root = publicUrl.replace(/\/+$/, '');
    return event.jobId === null ? `${root}/` : `${root}/jobs/${encoded(event.jobId)}`;
  }
  if (job === null) return null;
  const url = job.pullRequest?.url ?? '';
  if (/^https?:\/\//i.test(url)) return url;
  const note = job.notePath.replace(/\.md$/, '');
  return `obsidian://open?vault=${encoded(vaultName)}&file=${encoded(note)}`;
}

/** A name on disk may hold what is no Unicode, at which encodeURIComponent throws. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** Several messages in one, for when more come at once than a person wants to be called for. */
export function foldedMessage(messages: readonly NotificationMessage[], context: MessageContext): NotificationMessage {
  return {
    title: `… and ${messages.length} more`,
    text: lines(`See all jobs with: ${context.command} status`, ...messages.map(({ title }) => `- ${title}`)),
    link: context.publicUrl === null ? null : `${context.publicUrl.replace(/\/+$/, '')}/`,
  };
}

const byUrgency: readonly NotificationKind[] = ['decision', 'failure', 'stuck', 'recovery', 'completion'];

export function mostUrgent(kinds: readonly NotificationKind[]): NotificationKind {
  return byUrgency.find((kind) => kinds.includes(kind)) ?? 'completion';
}

/** Plain text of a length that receivers take. A link is whole or not there. */
export function fitted({ title, text, link }: NotificationMessage): NotificationMessage {
  return {
    title: cut(plain(title).replaceAll(/\s+/g, ' ').trim(), caps.title),
    text: cut(plain(text).trim(), caps.text),
    link: link !== null && link.length > caps.link ? null : link,
  };
}

/**
 * The same for every try of one notification, and for no other of this installation, also after the database was made anew.
 * Letters, digits and hyphens only, below 64 characters, as ntfy wants it.
 */
export function notificationKey(notification: Pick<QueuedNotification, 'seq' | 'createdAt'>): string {
  return `opus-${notification.createdAt.toString(36)}-${notification.seq}`;
}

/** A folded message of other contents is another one. */
export function foldedKey(
  first: Pick<QueuedNotification, 'seq' | 'createdAt'>,
  last: { readonly seq: number },
): string {
  return `${notificationKey(first)}-to-${last.seq}`;
}

export const firstRetryMs = 5_000;
export const longestRetryMs = 15 * 60_000;
export const keptMs = 7 * 24 * 60 * 60_000;

/** How long a channel rests after its oldest notification was tried `tries` times in vain. */
export function retryAfterMs(tries: number): number {
  return Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(30, Math.max(0, tries - 1)));
}

/** Of an error's message and hint, what there is. */
function sentencesOf(error: unknown, command: string): string[] {
  return [fieldOf(error, 'message'), fieldOf(error, 'hint')]
    .filter((sentence) => typeof sentence === 'string')
    .map((sentence) => withCommand(sentence, command));
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function lines(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n');
}

/** Without the control characters that an agent's output may carry; line breaks stay. */
function plain(text: string): string {
  return text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[^\P{Cc}\n]/gu, ' ')
    .toWellFormed();
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
