import type { GateKind } from '../domain/gate.ts';
import type { WaitReason } from '../domain/job.ts';
import type { Stage } from '../domain/stage.ts';
import type { BoardJob } from '../protocol/board.ts';
import { elapsed } from './formats.ts';
import { gateOf } from './shown-gate.ts';

const stageWords: Readonly<Record<Stage, string>> = {
  plan: 'Planning',
  code: 'Coding',
  test: 'Testing',
  review: 'Reviewing',
  deliver: 'Delivering',
  merge: 'Merging',
};

const gateSentences: Readonly<Record<GateKind, string>> = {
  plan: 'The plan waits for a decision.',
  merge: 'The merge waits for a decision.',
  question: 'The agent asks a question.',
  budget: 'The budget is spent; going on waits for a decision.',
  ci: 'The change touches what the forge runs and waits for a decision.',
};

const waitSentences: Readonly<Record<WaitReason, string>> = {
  dependency: 'Waits for another request to be done.',
  slot: 'Waits for a free place among the agents.',
  approval: 'Waits for a decision.',
  question: gateSentences.question,
  human: 'Waits for a person.',
  'usage-limit': 'Waits until a usage limit has passed.',
  budget: 'Waits until there is budget again.',
  disk: 'Waits for free space on the disk.',
  circuit: 'Waits for a service that fails again and again.',
  forge: 'Waits for the forge.',
};

const pauseSentences: Readonly<Record<NonNullable<BoardJob['pausedBy']>, string>> = {
  person: 'Paused by a person.',
  preemption: 'Made room for a more urgent job, and goes on by itself.',
  checkout: 'A person works on it in a folder.',
};

/** In a word or two where a job stands. */
export function statusWord(job: BoardJob): string {
  switch (job.status) {
    case 'queued':
      return 'Queued';
    case 'running':
      return job.stage === null ? 'Running' : stageWords[job.stage.name];
    case 'waiting': {
      const gate = gateOf(job);
      if (gate !== null) return gate.kind === 'question' ? 'Asks a question' : 'Needs a decision';
      return job.waitingFor === 'human' ? 'Needs a person' : 'Waiting';
    }
    case 'paused':
      return job.pausedBy === 'checkout' ? 'Checked out' : 'Paused';
    case 'succeeded':
      return job.pr === null || job.pr.state === 'merged' ? 'Merged' : 'Done';
    case 'failed':
      return 'Failed';
    case 'canceled':
      return 'Canceled';
  }
}

/** Why a job does not go on, and until when where that is known; empty while it works and once it is done. `now` is the runner's. */
export function waitSentence(job: BoardJob, now: number): string {
  const sentence = job.sentence === '' ? ownSentence(job) : job.sentence;
  const isHeld = sentence !== '' && (job.status === 'waiting' || job.status === 'queued');
  if (!isHeld || job.holdUntil === null || job.holdUntil <= now) return sentence;
  return `${sentence} It goes on in ${elapsed(job.holdUntil - now)}.`;
}

function ownSentence(job: BoardJob): string {
  switch (job.status) {
    case 'queued':
      return waitSentences.slot;
    case 'waiting': {
      const gate = gateOf(job);
      if (gate !== null) return gateSentences[gate.kind];
      return job.waitingFor === null ? '' : waitSentences[job.waitingFor];
    }
    case 'paused':
      return job.pausedBy === null ? '' : pauseSentences[job.pausedBy];
    case 'failed':
      return job.error?.message ?? '';
    case 'running':
    case 'succeeded':
    case 'canceled':
      return '';
  }
}
