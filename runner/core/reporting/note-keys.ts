import type { NoteStatus } from '#shared/domain/feature-request.ts';
import { formatGate } from '#shared/domain/gate.ts';
import { isFinished } from '#shared/domain/job.ts';
import { shortHash } from '#shared/domain/ids.ts';
import type { Job, UsageTotal } from '../ports/job-registry.ts';
import { costText } from './cost.ts';
import type { KeyWrite } from '../ports/vault.ts';

/** The status that an FR note has while its job is as it is. A rejected job is canceled too; its caller says so. */
export function noteStatusOf(job: Job): NoteStatus {
  switch (job.status) {
    case 'queued':
    case 'running':
    case 'paused':
      return job.pullRequest?.state === 'open' ? 'in-review' : 'in-progress';
    case 'succeeded':
      return job.reverts === null ? 'done' : 'parked';
    case 'failed':
      return 'needs-human';
    case 'canceled':
      return job.reverts === null ? 'parked' : 'done';
    case 'waiting':
      if (job.waitingFor === 'human' || job.waitingFor === 'budget') return 'needs-human';
      if (job.waitingFor === 'dependency') return 'blocked';
      return job.pullRequest === null ? 'in-progress' : 'in-review';
  }
}

/** The runner's block, in its order, and the move of `status` that goes with it. */
export function keyWriteOf(
  job: Job,
  status: NoteStatus | null,
  from: readonly NoteStatus[],
  used: readonly UsageTotal[],
): KeyWrite {
  const commit = job.mergeCommit ?? job.headCommit;
  return {
    path: job.notePath,
    keys: [
      ['run_state', job.runState],
      ['gate', job.gate === null ? '' : formatGate(job.gate)],
      ['run_report', `[[${job.id}]]`],
      ['run_note', job.error === null ? '' : oneLine(`${job.error.message} ${job.error.hint ?? ''}`)],
      ['branch', job.branch],
      ['pr', job.pullRequest?.url ?? ''],
      ['commit', commit === null ? '' : shortHash(commit)],
      ['cost', costText(used)],
    ],
    status: status === null ? null : { expect: from, to: status },
  };
}

/** For the note and for `opus status`: a person's status stays, and what may be done about it. */
export function clashSentence(job: Job, found: string): string {
  const theirs = found === '' ? 'The status was taken out by a person' : `The status "${found}" was set by a person`;
  if (isFinished(job.status)) return `${theirs} and stays; ${job.id} has ended as "${job.noteStatus}".`;
  return `${theirs} and stays; ${job.id} goes on, as "${job.noteStatus}". Set that again to have it kept up to date, or parked to end the job.`;
}

/** The same write for a note whose status a person has set. */
export function tellingClash(write: KeyWrite, job: Job, found: string): KeyWrite {
  const keys = write.keys.map(([key, value]): readonly [string, string] =>
    key === 'run_note' ? [key, oneLine(`${value} ${clashSentence(job, found)}`)] : [key, value],
  );
  return { ...write, keys };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 500);
}
