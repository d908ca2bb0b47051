import type { GateKind } from '#shared/domain/gate.ts';
import type { WaitReason } from '#shared/domain/job.ts';
import type { Job } from '../ports/job-registry.ts';

const atGate: Readonly<Record<GateKind, string>> = {
  plan: 'Its plan waits for your decision.',
  merge: 'Its merge waits for your decision.',
  question: 'Its agent asks a question.',
  budget: 'It has spent its budget and waits for your decision.',
  ci: 'It changes what the forge runs and waits for your decision.',
};

const forReason: Readonly<Record<WaitReason, string>> = {
  dependency: 'It waits for another request to be done.',
  slot: 'It waits for a free place among the agents.',
  approval: 'It waits for your decision.',
  question: atGate.question,
  human: 'It waits for a person.',
  'usage-limit': 'It waits until a usage limit has passed.',
  budget: 'It waits until there is budget again.',
  disk: 'It waits for free space on the disk.',
  circuit: 'It waits for a service that fails again and again.',
  forge: 'It waits for the forge.',
};

const pausedFor: Readonly<Record<NonNullable<Job['pausedBy']>, string>> = {
  person: 'A person paused it.',
  preemption: 'It made room for a more urgent job.',
  checkout: 'A person works on it in a folder.',
};

/** Why a job waits or what it failed of, in one sentence; empty while it works and once it is done. */
export function standingSentence(job: Pick<Job, 'status' | 'waitingFor' | 'pausedBy' | 'gate' | 'error'>): string {
  if (job.status === 'running' || job.status === 'succeeded') return '';
  if (job.error !== null) return job.error.message;
  if (job.status === 'paused') return job.pausedBy === null ? '' : pausedFor[job.pausedBy];
  if (job.status === 'queued') return forReason.slot;
  if (job.status !== 'waiting') return '';
  if (job.gate !== null) return atGate[job.gate.kind];
  return job.waitingFor === null ? '' : forReason[job.waitingFor];
}
