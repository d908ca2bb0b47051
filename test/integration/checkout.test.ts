import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import type { Job, JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { wantsToGoOn } from '../../runner/core/scheduling/wanted-slot.ts';
import { checkOut } from '../../runner/engine/checkout.ts';
import { pause } from '../../runner/engine/job-control.ts';
import { createRunningJobs, type RunningJobs } from '../../runner/engine/running-jobs.ts';
import type { EngineDependencies } from '../../runner/engine/stage-context.ts';
import { aJob } from '../support/records.ts';

describe('handing a job to a person', () => {
  let data: string;
  let registry: JobRegistry;
  let running: RunningJobs;
  let dependencies: EngineDependencies;
  /** What the job was while its work was copied. */
  let during: Job | null;
  let refusal: OpusError | null;

  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'opus-checkout-'));
    registry = openRegistry({ file: join(data, 'registry.db'), clock: { now: () => 5 } });
    running = createRunningJobs();
    during = null;
    refusal = null;
    const worktrees = {
      keep: () => Promise.resolve(),
      checkOut: () => {
        during = registry.job('FR-1-1');
        return refusal === null ? Promise.resolve() : Promise.reject(refusal);
      },
    };
    const config = { repos: { app: { url: '/srv/app.git' } } };
    dependencies = { registry, worktrees, config, clock: { now: () => 5 } } as unknown as EngineDependencies;
    registry.commit(null, null, { insertJob: aJob({ slot: 'agent', admittedAt: 2, headCommit: 'c0ffee00' }) });
  });
  afterEach(() => {
    registry.close();
    rmSync(data, { recursive: true, force: true });
  });

  const handOver = (): Promise<Job> => checkOut(dependencies, running, theJob(), '/home/me/work');
  const theJob = (): Job => registry.job('FR-1-1') ?? aJob();

  it('stops a running job so that nobody starts it again while its work is copied', async () => {
    await handOver();
    expect(during?.status).toBe('paused');
    expect(during !== null && wantsToGoOn(during)).toBe(false);
    expect(running.signalOf('FR-1-1').aborted).toBe(true);
    expect(theJob()).toMatchObject({ status: 'paused', pausedBy: 'checkout', checkout: '/home/me/work' });
  });

  it('lets a running job go on where the folder is refused', async () => {
    refusal = new OpusError('git.checkout-refused', 'The folder is not empty.');
    await expect(handOver()).rejects.toBe(refusal);
    expect(theJob()).toMatchObject({ checkout: null, pausedBy: null });
    expect(wantsToGoOn(theJob())).toBe(true);
  });

  it('leaves a paused job paused where the folder is refused', async () => {
    await pause(dependencies, running, theJob());
    refusal = new OpusError('git.checkout-refused', 'The folder is not empty.');
    await expect(handOver()).rejects.toBe(refusal);
    expect(theJob()).toMatchObject({ status: 'paused', pausedBy: 'person', checkout: null });
  });

  it('keeps a job that is with a person checked out when it is paused too', async () => {
    await handOver();
    await pause(dependencies, running, theJob());
    expect(theJob().pausedBy).toBe('checkout');
  });
});
