import type { BoardJob } from '../protocol/board.ts';
import type { WireEvent } from '../protocol/wire.ts';
import { gateOf } from './shown-gate.ts';

/** Of what people are told, each a setting. */
export const noticeKinds = ['decision', 'failure', 'finished', 'dead-runner'] as const;
export type NoticeKind = (typeof noticeKinds)[number];

export interface Notice {
  readonly kind: NoticeKind;
  readonly sentence: string;
  /** Null when it is about the runner. */
  readonly job: string | null;
}

/** What a person is told of an event; null for most. `job` is as it stands now: what it no longer asks for is not told. */
export function noticeOf(event: WireEvent, job: BoardJob | null): Notice | null {
  if (event.jobId === null) return null;
  const name = job === null ? event.jobId : `${job.fr} ${job.title}`;
  const told = (kind: NoticeKind, sentence: string): Notice => ({ kind, sentence, job: event.jobId });
  switch (event.type) {
    case 'approval.requested': {
      const gate = job === null ? null : gateOf(job);
      const hash = event.data['hash'];
      if (job !== null && (gate === null || (typeof hash === 'string' && !hash.startsWith(gate.shortHash))))
        return null;
      if (gate?.kind === 'question') return told('decision', ended(`${name} asks: ${job?.question ?? 'a question'}`));
      return told('decision', `${name} asks for a decision${gate === null ? '' : ` about ${gate.boundTo}`}.`);
    }
    case 'job.waiting':
      if (event.data['waitingFor'] !== 'human' || (job !== null && job.waitingFor !== 'human')) return null;
      return told('failure', `${name} needs a person${reason(event, job)}`);
    case 'job.failed':
      return told('failure', `${name} failed${reason(event, job)}`);
    case 'job.succeeded':
      return told('finished', `${name} is done.`);
    default:
      return null;
  }
}

function reason(event: WireEvent, job: BoardJob | null): string {
  const error = event.data['error'];
  const told = typeof error === 'object' && error !== null && 'message' in error ? error.message : null;
  const message = typeof told === 'string' ? told : (job?.error?.message ?? job?.sentence ?? '');
  return message === '' ? '.' : ended(`: ${message}`);
}

function ended(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
