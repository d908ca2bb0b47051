import { OpusError } from '#shared/domain/errors.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { NoteStatus } from '#shared/domain/feature-request.ts';
import { formatGate, parseNoteDecision, type DecisionKind, type Gate } from '#shared/domain/gate.ts';
import type { Stage } from '#shared/domain/stage.ts';
import type { Job } from '../core/ports/job-registry.ts';
import type { Actor } from './application.ts';
import { generationOf } from './generation.ts';
import { recordJob } from './job-recorder.ts';
import { approversOf } from './next-of-job.ts';
import { noteOfJob } from './note-of-job.ts';
import { canceledFields, cleanUp, gateOf } from './settle.ts';
import { noGate, requireShown } from './shown-gate.ts';
import type { EngineDependencies } from './stage-context.ts';

/**
 * Closes what a dead runner left open: its attempts count as interrupted, so that the stage is begun again, and no job
 * holds a slot. Returns the jobs that were in the middle of something.
 */
export function recover(dependencies: EngineDependencies): string[] {
  const { registry, owner } = dependencies;
  const interrupted: string[] = [];
  for (const job of registry.jobs({ finished: false })) {
    if (job.slot !== null) registry.commit(null, null, { updateJob: { id: job.id, fields: { slot: null } } });
    const left = registry.attempts(job.id).filter((attempt) => attempt.status === 'running' && attempt.owner !== owner);
    if (left.length === 0) continue;
    interrupted.push(job.id);
    registry.commit(null, null, {
      interruptAttempts: { jobId: job.id, exceptOwner: owner },
      events: left.map((attempt) => ({
        type: 'stage.failed',
        jobId: job.id,
        data: { stage: attempt.stage, round: attempt.round, status: 'interrupted' },
      })),
    });
  }
  return interrupted;
}

/** Records a decision at the job's gate, bound to what was shown there. */
export async function decide(
  dependencies: EngineDependencies,
  job: Job,
  kind: DecisionKind,
  comment: string,
  actor: Actor,
  shown?: string,
): Promise<Job> {
  const { registry, clock } = dependencies;
  requireShown(job, shown);
  if (job.gate === null) throw noGate(job);
  if (kind === 'changes' && comment.trim() === '') {
    throw new OpusError('config.usage', 'Asking for changes needs a comment that says which.', {
      hint: `opus changes ${job.featureRequestId} --comment "…"`,
    });
  }
  if (kind !== 'reject' && job.gate.kind === 'question' && comment.trim() === '') {
    throw new OpusError('config.usage', `${job.id} asks a question, and the answer is empty.`, {
      hint: `opus answer ${job.featureRequestId} --comment "…"`,
    });
  }
  requireAllowed(dependencies, job, job.gate, kind, actor);
  if (kind === 'approve') {
    if (job.gate.kind === 'merge') await requireUnmoved(dependencies, job, job.gate.hash);
    if (job.gate.kind === 'plan') await requireSamePlan(dependencies, job, job.gate);
  }
  // While the origin was asked, somebody else may have decided; from here to the commit nobody can.
  const current = registry.job(job.id) ?? job;
  requireShown(current, shown);
  if (current.gate?.kind !== job.gate.kind || current.gate.hash !== job.gate.hash) throw noGate(current);
  const generation = generationOf(registry, job.id);
  return recordJob(registry, `${job.id}/decision/${generation}`, current, {
    fields: {
      status: 'running',
      waitingFor: null,
      gate: null,
      error: null,
      queuedAt: clock.now(),
      runState: kind === 'approve' && job.gate.kind === 'merge' ? 'merge' : 'waiting',
    },
    events: [
      [
        'approval.decided',
        {
          gate: formatGate(job.gate),
          kind,
          comment,
          person: actor.person,
          device: actor.device ?? null,
          channel: actor.channel,
        },
      ],
    ],
    noteStatus: null,
    also: {
      decision: {
        jobId: job.id,
        gate: job.gate,
        kind,
        comment,
        person: actor.person,
        device: actor.device ?? null,
        channel: actor.channel,
        at: clock.now(),
        generation,
      },
    },
  });
}

/** Whoever comes by the forge or by policy was looked at there. */
function requireAllowed(
  dependencies: EngineDependencies,
  job: Job,
  gate: Gate,
  kind: DecisionKind,
  { person, channel }: Actor,
): void {
  const { approvers, fourEyes } = dependencies.confirmed().policy;
  const isKnown = channel === 'forge' || channel === 'policy' || approvers.length === 0 || approvers.includes(person);
  if (!isKnown) {
    const who = channel === 'note' ? 'Whoever writes into the note' : person;
    throw new OpusError('registry.not-approver', `${who} may not decide on ${job.id}.`, {
      hint: `Policy names as approvers: ${approvers.join(', ')}.`,
    });
  }
  if (!fourEyes || kind !== 'approve' || gate.kind !== 'merge') return;
  if (approversOf(dependencies, job.id).includes(person)) {
    throw new OpusError(
      'registry.not-approver',
      `${person} has approved ${job.id} already, and policy asks for four eyes.`,
      {
        hint: `Another person decides: opus approve ${job.featureRequestId}`,
      },
    );
  }
}

/** The approval is for a commit: when the branch is elsewhere by now, nothing is approved. */
async function requireUnmoved(dependencies: EngineDependencies, job: Job, commit: string): Promise<void> {
  const url = dependencies.config.repos[job.repository]?.url ?? '';
  const remote = await dependencies.worktrees.remoteHead({ name: job.repository, url }, job.branch);
  if (remote === null || remote === commit) return;
  throw new OpusError(
    'registry.gate-stale',
    `The branch of ${job.id} is at ${remote.slice(0, 8)}, not at ${commit.slice(0, 8)} which you were shown.`,
    {
      hint: `Look at the branch ${job.branch}; opus job retry ${job.id} --from deliver asks anew.`,
    },
  );
}

/** The approval is for a plan of an FR as it read then: where the note was changed since, the gate asks for the new text. */
async function requireSamePlan(dependencies: EngineDependencies, job: Job, shown: Gate): Promise<void> {
  const gate = await gateOf(dependencies, job, { kind: 'gate', gate: 'plan', round: 0 });
  if (gate.hash === shown.hash) return;
  recordJob(dependencies.registry, null, job, {
    fields: { gate, error: null },
    events: [['approval.requested', { gate: gate.kind, hash: gate.hash }]],
  });
  throw new OpusError(
    'registry.gate-stale',
    `${job.notePath} was changed since you were shown ${formatGate(shown)}; asked for is ${formatGate(gate)} now.`,
    {
      hint: `Does the plan still fit? Then approve again; otherwise: opus changes ${job.featureRequestId} --comment "…"`,
    },
  );
}

/** Takes the decision written in the note when it names the current gate, and says so when it names another. */
export async function takeNoteDecision(dependencies: EngineDependencies, job: Job): Promise<Job> {
  if (job.gate === null) return job;
  const note = await noteOfJob(dependencies, job);
  if (note === null) return job;
  const broken = note.problems.find(({ code, severity }) => severity === 'error' && code.startsWith('frontmatter.'));
  if (broken) {
    const message = `${note.path}:${broken.line}: ${broken.message}`;
    return recordJob(dependencies.registry, null, job, {
      fields: { error: { code: 'vault.note-unreadable', message, hint: broken.hint } },
      events: [],
      noteStatus: null,
    });
  }
  if (note.decision.trim() === '') return job;
  const decision = parseNoteDecision(note.decision);
  const gate = formatGate(job.gate);
  const short = gate.split('@')[1] ?? '';
  if (decision !== null && decision.hash !== '' && job.gate.hash.startsWith(decision.hash)) {
    return await decide(dependencies, job, decision.kind, decision.comment, { person: 'note', channel: 'note' });
  }
  const taken = dependencies.registry
    .decisions(job.id)
    .some((earlier) => decision !== null && earlier.gate.hash.startsWith(decision.hash));
  if (decision !== null && decision.hash !== '' && taken) return job;
  const message =
    decision === null
      ? `The decision "${note.decision.slice(0, 60)}" in the note is not understood.`
      : `The decision in the note names ${decision.hash === '' ? 'no gate' : decision.hash}; asked for is ${gate}.`;
  return recordJob(dependencies.registry, null, job, {
    fields: {
      error: {
        code: 'registry.gate-stale',
        message,
        hint: `Write "approve ${short}", "changes ${short} …" or "reject ${short}".`,
      },
    },
    events: [],
    noteStatus: null,
  });
}

/** Lets a job that waits for a person go on: from its failed stage, or from a named one. */
export function retry(
  dependencies: EngineDependencies,
  job: Job,
  options: { readonly from: Stage | null; readonly rounds: number | null; readonly comment: string },
): Job {
  const { registry, clock } = dependencies;
  const retryable = job.status === 'waiting' && job.waitingFor === 'human';
  // A job whose checkout is gone goes on without it.
  const isHeld = job.status === 'waiting' || job.pausedBy === 'checkout';
  if (!retryable && !(isHeld && options.from !== null) && job.status !== 'failed') {
    throw new OpusError(
      'registry.not-retryable',
      `${job.id} is ${job.status}${job.waitingFor ? ` for ${job.waitingFor}` : ''}: there is nothing to retry.`,
      {
        hint: isFinished(job.status)
          ? `Begin anew with: opus run ${job.featureRequestId} --again`
          : `opus job show ${job.id} tells where it is.`,
      },
    );
  }
  const generation = generationOf(registry, job.id);
  return recordJob(registry, `${job.id}/retry/${generation}`, job, {
    fields: {
      status: 'running',
      waitingFor: null,
      gate: null,
      error: null,
      runState: options.from ?? 'queued',
      pausedBy: null,
      checkout: null,
      holdUntil: null,
      queuedAt: clock.now(),
      // At a gate the run is parked and goes on; elsewhere it has ended.
      run: job.gate === null ? job.run + 1 : job.run,
    },
    events: [['job.resumed', { from: options.from, rounds: options.rounds, comment: options.comment }]],
    also: {
      retry: {
        jobId: job.id,
        from: options.from,
        rounds: options.rounds,
        comment: options.comment,
        at: clock.now(),
        generation,
      },
    },
  });
}

/** Ends a job at a person's word, closing its pull request. `noteStatus` null leaves the note's status to the person. */
export async function cancel(
  dependencies: EngineDependencies,
  job: Job,
  reason: string,
  noteStatus: NoteStatus | null,
): Promise<Job> {
  const canceled = recordJob(dependencies.registry, `${job.id}/cancel`, job, {
    fields: await canceledFields(dependencies, job),
    events: [['job.canceled', { reason }]],
    // Without its revert the request is as done as it was.
    noteStatus: noteStatus === 'parked' && job.reverts !== null ? 'done' : noteStatus,
  });
  await cleanUp(dependencies, job.id);
  return canceled;
}
