import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decide } from '../../runner/cli/decide.ts';
import { revertJob } from '../../runner/cli/job-revert.ts';
import { run } from '../../runner/cli/run.ts';
import type { JobDocument } from '../../shared/domain/job.ts';
import { fakeTerminal, type FakeTerminal } from '../support/fake-terminal.ts';
import { makeKillLab, type KillLab } from '../support/kill-lab.ts';

let folder: string;
let lab: KillLab;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-forge-'));
  lab = makeKillLab(folder);
  writeFileSync(lab.config, readFileSync(lab.config, 'utf8').replace('test -s counted.txt', 'git --version'));
  writeFileSync(
    join(folder, 'agents/code.sh'),
    `rm README; printf 'one\\ntwo\\n' > counted.txt; printf '{"summary":"counted"}' > "$OPUS_RESULT_FILE"\n`,
  );
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const policy = (...lines: readonly string[]): void => {
  writeFileSync(join(folder, 'vault/00_system/opus/config.md'), `---\n${lines.join('\n')}\n---\n`);
};

async function told(command: (terminal: FakeTerminal) => Promise<number>): Promise<JobDocument> {
  const terminal = fakeTerminal({ environment: { USER: 'ada' } });
  await command(terminal);
  return JSON.parse(terminal.outLines.join('\n')) as JobDocument;
}

const filesOf = (branch: string): string[] => lab.git('ls-tree', '--name-only', branch).trim().split('\n');

it('a merged job is taken back by a command, through a pull request of its own', async () => {
  policy('stages: [code, test]');
  const { config } = lab;
  const merged = await told((terminal) => run(terminal, 'KL-7', { config, json: true, approve: true }));
  expect(merged).toMatchObject({ status: 'succeeded' });
  expect(filesOf('main')).toEqual(['counted.txt']);
  const reverting = await told((terminal) => revertJob(terminal, merged.job, { config, json: true, comment: 'Slow.' }));
  expect(reverting).toMatchObject({
    waitingFor: 'approval',
    branch: `opus/revert-${merged.job}`,
    pr: { state: 'open' },
  });
  expect(filesOf('main')).toEqual(['counted.txt']);
  const back = await told((terminal) => decide(terminal, 'approve', 'KL-7', { config, json: true }));
  expect(back).toMatchObject({ job: reverting.job, status: 'succeeded', pr: { state: 'merged' } });
  expect(filesOf('main')).toEqual(['README']);
  expect(lab.git('show', 'main:README')).toBe('counted\n');
});

it('policy merges a job without a person where it and opus.yml say so', async () => {
  policy('stages: [code, test, review]', 'autoMerge: { priorities: [P2], lines: 10, confidence: 90 }');
  const { config } = lab;
  const left = await told((terminal) => run(terminal, 'KL-7', { config, json: true }));
  expect(left).toMatchObject({ waitingFor: 'approval', decisions: [] });
  appendFileSync(config, 'limits: { autoMerge: true }\n');
  await told((terminal) => decide(terminal, 'reject', 'KL-7', { config, json: true }));
  const done = await told((terminal) => run(terminal, 'KL-7', { config, json: true, again: true }));
  expect(done).toMatchObject({ status: 'succeeded', decisions: [{ person: 'policy', channel: 'policy' }] });
  expect(filesOf('main')).toEqual(['counted.txt']);
});
