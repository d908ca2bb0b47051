import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import type { ObservedCheck, ObservedPullRequest } from '../../runner/core/ports/pull-requests.ts';
import { showChecks } from '../../runner/engine/pull-requests/show-checks.ts';
import type { EngineDependencies } from '../../runner/engine/stage-context.ts';
import { aJob } from '../support/records.ts';

let folder: string;
let registry: JobRegistry;
const job = aJob({ headCommit: 'c1' });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shown-checks-'));
  registry = openRegistry({ file: join(folder, 'registry.db'), clock: { now: () => 1 } });
  registry.commit(null, null, { insertJob: job });
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

const check = (name: string, state: ObservedCheck['state'], run = 1) => ({ name, state, run }) as ObservedCheck;

function look(checks: readonly ObservedCheck[], pull: Partial<ObservedPullRequest> = {}): void {
  const seen = { state: 'open', headCommit: 'c1', checks, ...pull } as ObservedPullRequest;
  showChecks({ registry } as unknown as EngineDependencies, job, seen);
}

const told = (): unknown[] =>
  registry
    .events({ afterSeq: 0, limit: 100 })
    .map(({ type, jobId, data }) => [type, jobId, data['state'], data['failed']]);

it('each change of what the forge says of the commit is told once, also after a check ran again', () => {
  look([]);
  look([check('build', 'pending'), check('lint', 'passed')]);
  look([check('build', 'pending'), check('lint', 'passed')]);
  look([check('build', 'failed'), check('lint', 'passed')]);
  look([check('build', 'pending', 2), check('lint', 'passed')]);
  look([check('build', 'passed', 2), check('lint', 'passed')]);
  look([check('build', 'passed', 2), check('lint', 'passed')]);
  expect(told()).toEqual([
    ['pr.checked', 'FR-1-1', 'pending', []],
    ['pr.checked', 'FR-1-1', 'failing', ['build']],
    ['pr.checked', 'FR-1-1', 'pending', []],
    ['pr.checked', 'FR-1-1', 'passing', []],
  ]);
});

it('nothing is told of another commit, or once the pull request is over', () => {
  look([check('build', 'passed')], { headCommit: 'c2' });
  look([check('build', 'passed')], { state: 'merged' });
  expect(told()).toEqual([]);
});

it('telling writes nothing into the vault, and leaves the job as it was', () => {
  look([check('build', 'passed')]);
  expect(registry.outbox()).toEqual([]);
  expect(registry.job('FR-1-1')).toEqual(job);
});
