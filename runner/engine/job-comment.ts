import { OpusError } from '#shared/domain/errors.ts';
import { formatGate } from '#shared/domain/gate.ts';
import type { LineComment } from '#shared/protocol/method-params.ts';
import { lineCommentsText } from '../core/pipeline/line-comments.ts';
import type { Job } from '../core/ports/job-registry.ts';
import type { Actor, Application } from './application.ts';
import { requireShown } from './shown-gate.ts';

export interface JobComments {
  readonly comments: readonly LineComment[];
  readonly comment: string;
  /** The gate that was shown beside the change. */
  readonly gate?: string | undefined;
}

/** The agent reads all of it in its prompt. */
const mostCharacters = 100_000;

/** Sends a job back to code with what a person says of its change. */
export async function commentOn(
  application: Pick<Application, 'decide' | 'retry'>,
  job: Job,
  said: JobComments,
  actor: Actor,
): Promise<Job> {
  const text = lineCommentsText(said.comments, said.comment);
  if (text === '') {
    throw new OpusError('config.usage', 'There is no comment to send back.', {
      hint: 'Comment on a line, or on the whole change.',
    });
  }
  if (text.length > mostCharacters) {
    const sizes = `${text.length.toLocaleString('en')} of at most ${mostCharacters.toLocaleString('en')} characters`;
    throw new OpusError('config.usage', `The comments are too long: ${sizes}.`, {
      hint: 'Send the most important ones; the next round can have the others.',
    });
  }
  requireShown(job, said.gate);
  if (job.gate?.kind === 'merge' || job.gate?.kind === 'ci') {
    // Bound to this very gate, also where none was named: the comments are about what it shows.
    return await application.decide(job.id, 'changes', text, actor, said.gate ?? `${job.gate.kind}@${job.gate.hash}`);
  }
  const rests = job.status === 'waiting' && job.waitingFor === 'human';
  if (rests && job.headCommit !== null && job.reverts === null) {
    return await application.retry(job.id, { from: 'code', rounds: null, comment: text });
  }
  throw new OpusError('registry.no-gate', `${job.id} cannot be sent back with comments now; ${reasonOf(job)}.`, {
    hint:
      job.gate === null
        ? `opus job show ${job.id} tells where it is.`
        : `Answer what it asks first: opus job show ${job.id}`,
  });
}

function reasonOf(job: Job): string {
  if (job.gate !== null) return `it asks for ${formatGate(job.gate)}, which is not about its change`;
  if (job.status === 'waiting' && job.waitingFor === 'human') {
    return job.headCommit === null ? 'it has no change yet' : 'it takes a change back, and no agent works on it';
  }
  return job.waitingFor === null ? `it is ${job.status}` : `it is ${job.status} for ${job.waitingFor}`;
}
