import type { Attempt, Job, UsageEntry } from '../../runner/core/ports/job-registry.ts';

/** A running job of FR-1, with whatever a test says of it. */
export function aJob(fields: Partial<Job> = {}): Job {
  return {
    id: 'FR-1-1',
    featureRequestId: 'FR-1',
    number: 1,
    title: 'Dispatch: one click',
    notePath: '10_features/FR-1.md',
    repository: 'app',
    priority: 'P1',
    status: 'running',
    waitingFor: null,
    runState: 'code',
    base: 'main',
    baseCommit: null,
    branch: 'opus/FR-1-1-dispatch-one-click',
    headCommit: null,
    gate: null,
    pullRequest: null,
    mergeCommit: null,
    error: null,
    noteStatus: 'in-progress',
    run: 1,
    slot: null,
    pausedBy: null,
    agent: null,
    holdUntil: null,
    admittedAt: null,
    queuedAt: 1,
    missingSince: null,
    checkout: null,
    reverts: null,
    createdAt: 1,
    updatedAt: 1,
    ...fields,
  };
}

/** The first, running attempt at its code stage, with whatever a test says of it. */
export function anAttempt(fields: Partial<Attempt> = {}): Attempt {
  return {
    id: 'FR-1-1/code/0/1',
    jobId: 'FR-1-1',
    stage: 'code',
    round: 0,
    number: 1,
    agent: 'coder',
    owner: 'runner-a',
    status: 'running',
    startedAt: 1,
    endedAt: null,
    commit: null,
    result: null,
    evidence: [],
    error: null,
    refusedHosts: [],
    generation: 0,
    leaseUntil: null,
    session: null,
    ...fields,
  };
}

/** What a response of the coder's model took, told by its provider, with whatever a test says of it. */
export function aResponse(fields: Partial<UsageEntry> = {}): UsageEntry {
  return {
    id: 'response-1',
    open: false,
    jobId: 'FR-1-1',
    attemptId: 'FR-1-1/code/0/1',
    agent: 'coder',
    endpoint: 'anthropic',
    model: 'm-1',
    at: 1_000,
    usage: { input: 100, cacheRead: 30, cacheWrite: 0, output: 10 },
    cost: 0.5,
    subscription: false,
    estimated: false,
    shares: [],
    ...fields,
  };
}
