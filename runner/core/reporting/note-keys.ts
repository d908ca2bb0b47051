import type { NoteStatus } from '#shared/domain/feature-request.ts';
import { formatGate } from '#shared/domain/gate.ts';
import { shortHash } from '#shared/domain/ids.ts';
import type { Job } from '../ports/job-registry.ts';
import type { KeyWrite } from '../ports/vault.ts';

/** The status that an FR note has while its job is as it is. A rejected job is canceled too; its caller says so. */
export function noteStatusOf(job: Job): NoteStatus {
  switch (job.status) {
    case 'queued':
    case 'running':
    case 'paused':
      return job.pullRequest?.state === 'open' ? 'in-review' : 'in-progress';
    case 'succeeded':
      return 'done';
    case 'failed':
      return 'needs-human';
    case 'canceled':
      return 'parked';
    case 'waiting':
      if (job.waitingFor === 'human') return 'needs-human';
      if (job.waitingFor === 'dependency') return 'blocked';
      return job.pullRequest === null ? 'in-progress' : 'in-review';
  }
}

/** The runner's block, in its order, and the move of `status` that goes with it. */
export function keyWriteOf(job: Job, status: NoteStatus | null, from: readonly NoteStatus[]): KeyWrite {
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
      ['cost', ''],
    ],
    status: status === null ? null : { expect: from, to: status },
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 500);
}
