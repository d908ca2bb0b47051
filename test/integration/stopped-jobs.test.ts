import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { defaultPolicy } from '../../runner/core/configuration.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { wantsToGoOn } from '../../runner/core/scheduling/wanted-slot.ts';
import { pause, stopAndCancel } from '../../runner/engine/job-control.ts';
import { createPipeline, type PipelineHooks } from '../../runner/engine/pipeline-workflow.ts';
import { createRunningJobs, type RunningJobs } from '../../runner/engine/running-jobs.ts';
import type { EngineDependencies } from '../../runner/engine/stage-context.ts';
import { aJob } from '../support/records.ts';

let folder: string;
let registry: JobRegistry;
let running: RunningJobs;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stopped-'));
  registry = openRegistry({ file: join(folder, 'registry.db'), clock: { now: () => 5 } });
  running = createRunningJobs();
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a job that is canceled asks for no slot while its pull request is closed', async () => {
  const pullRequest = { number: 1, url: 'x', state: 'open' } as const;
  registry.commit(null, null, { insertJob: aJob({ slot: 'agent', pullRequest }) });
  const asked: boolean[] = [];
  const dependencies = {
    registry,
    config: { repos: {} },
    worktrees: { remove: () => Promise.resolve() },
    files: { removeJob: () => Promise.resolve() },
    forgeOf: () => ({
      close: () => {
        const job = registry.job('FR-1-1');
        asked.push(job !== null && wantsToGoOn(job));
        return Promise.resolve({ ...pullRequest, state: 'closed' });
      },
    }),
  } as unknown as EngineDependencies;
  const canceled = await stopAndCancel(
    dependencies,
    running,
    aJob({ slot: 'agent', pullRequest }),
    'no need',
    'parked',
  );
  expect(canceled).toMatchObject({ status: 'canceled', pullRequest: { state: 'closed' } });
  expect(asked).toEqual([false]);
});

test('a job that is paused between the decision on its turn and the beginning of the stage stays paused', async () => {
  registry.commit(null, null, { insertJob: aJob({ slot: 'agent', admittedAt: 1 }) });
  let looks = 0;
  const dependencies = {
    registry,
    clock: { now: () => 5 },
    owner: 'this',
    config: { repos: {}, retry: { attempts: 1, crashes: 9 }, rounds: 0, timeouts: { lease: 1 } },
    log: { warn: () => undefined },
    progress: () => undefined,
    confirmed: () => ({ policy: { ...defaultPolicy, stages: ['code'] }, profiles: [] }),
    vault: {
      scan: () => Promise.resolve([]),
      read: async () => {
        // The decision looks at the note once; what is to begin looks again.
        looks += 1;
        const job = registry.job('FR-1-1');
        if (looks === 2 && job) await pause(dependencies, running, job);
        return { id: 'FR-1', path: '10_features/FR-1.md' };
      },
    },
  } as unknown as EngineDependencies;
  const hooks = {
    outbox: { flush: () => Promise.resolve([]) },
    running,
    absent: { isThere: () => Promise.resolve(true), isExpected: () => false },
    mayBegin: () => true,
    rested: () => undefined,
    afterFlush: () => Promise.resolve(),
    succeed: () => Promise.resolve(),
  } as unknown as PipelineHooks;
  const waited = Promise.withResolvers<string>();
  const run = createPipeline(dependencies, hooks)(
    {
      step: (_name, body) => body(),
      wait: (name) => {
        waited.resolve(name);
        return new Promise(() => undefined);
      },
    },
    'FR-1-1',
    1,
  );
  await Promise.race([waited.promise, run]);
  expect(looks).toBe(2);
  expect(registry.attempts('FR-1-1')).toEqual([]);
  expect(registry.job('FR-1-1')).toMatchObject({ status: 'paused', pausedBy: 'person', slot: null });
});
