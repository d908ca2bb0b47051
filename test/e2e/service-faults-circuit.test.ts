import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { RunnerStatus } from '#shared/protocol/runner-status.ts';
import { makeFaultLab, type FaultLab } from '../support/fault-lab.ts';
import { untilDone, untilJob } from '../support/fault-waits.ts';
import { patience, startService } from '../support/service-process.ts';

const main = join(import.meta.dirname, '../../runner/main.ts');

function statusOf(lab: FaultLab): { runner: RunnerStatus; jobs: { job: string; waitingFor: string }[] } {
  const { stdout } = spawnSync(process.execPath, [main, 'status', '--json', '--config', lab.config], {
    encoding: 'utf8',
  });
  return JSON.parse(stdout) as ReturnType<typeof statusOf>;
}

it('an agent that fails again and again rests, its jobs wait for it, and go on after the rest', async () => {
  const config = ['circuit: { failures: 3, rest: 2s }', 'retry: { attempts: 50, base: 1ms, factor: 1, max: 1ms }'];
  // While reviews are held, the coder fails.
  const lab = makeFaultLab({ notes: 2, config, agents: { code: '[ ! -e "$here/hold.review" ]' } });
  lab.hold('review');
  const service = await startService(lab);
  for (const job of ['FR-1-1', 'FR-2-1']) await untilJob(lab, { status: 'waiting', waitingFor: 'circuit' }, job);
  await vi.waitFor(() => {
    const { runner, jobs } = statusOf(lab);
    expect(runner.circuits).toMatchObject([{ kind: 'agent', name: 'code', state: 'open' }]);
    expect(jobs.map(({ waitingFor }) => waitingFor)).toEqual(['circuit', 'circuit']);
  }, patience);
  const failures = [...lab.story('FR-1-1'), ...lab.story('FR-2-1')].filter((attempt) => attempt === 'code.0 failed');
  // Those that were at work when it opened, and those that found it open.
  expect(failures.length).toBeGreaterThanOrEqual(3);
  expect(failures.length).toBeLessThan(10);
  lab.letGo('review');
  await untilDone(lab, 'FR-1-1', 'FR-2-1');
  expect((await service.status()).circuits).toContainEqual({
    kind: 'agent',
    name: 'code',
    state: 'closed',
    until: null,
  });
});

it('an agent at its usage limit holds its jobs, charges no attempt, and goes on by itself', async () => {
  const limited = `if [ -e "$here/hold.review" ]; then printf '{"code":"usage-limit","retryAfter":1}' > "$OPUS_OUT_DIR/error"; exit 0; fi`;
  const lab = makeFaultLab({ notes: 2, agents: { code: limited } });
  lab.hold('review');
  await startService(lab);
  for (const job of ['FR-1-1', 'FR-2-1']) await untilJob(lab, { status: 'waiting', waitingFor: 'usage-limit' }, job);
  // More often than a failure is tried again.
  await vi.waitFor(() => {
    expect(lab.attempts('FR-1-1').length).toBeGreaterThan(3);
  }, patience);
  lab.letGo('review');
  await untilDone(lab, 'FR-1-1', 'FR-2-1');
  for (const job of ['FR-1-1', 'FR-2-1']) {
    const attempts = lab.attempts(job);
    const limited = attempts.filter(({ status }) => status === 'failed');
    for (const { error } of limited) expect(error?.code).toBe('agent.usage-limit');
    // Each try comes after the end that the one before it was told.
    const early = limited.filter(
      ({ error }, index) => (attempts[index + 1]?.startedAt ?? 0) < (error?.until ?? Infinity),
    );
    expect(early).toEqual([]);
  }
});
