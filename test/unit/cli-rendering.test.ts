import { describe, expect, test } from 'vitest';
import { OpusError } from '#shared/domain/errors.ts';
import type { JobDocument } from '#shared/domain/job.ts';
import { diffLines } from '../../shared/domain/line-diff.ts';
import { plainLine, plainText, shortDuration } from '../../runner/cli/plain-text.ts';
import { createProgress } from '../../runner/cli/progress.ts';
import { errorLines, exitCodeOfError, printError } from '../../runner/cli/render-error.ts';
import { jobLines, nextSteps } from '../../runner/cli/render-job.ts';
import { pictureLines } from '../../runner/cli/status-picture.ts';
import { tableLines } from '../../runner/cli/tables.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

const job: JobDocument = {
  job: 'FR-001-1',
  fr: 'FR-001',
  status: 'waiting',
  waitingFor: 'approval',
  runState: 'waiting',
  stages: [
    { name: 'plan', status: 'passed', round: 0, attempts: 1, durationMs: 90 },
    {
      name: 'test',
      status: 'passed',
      round: 1,
      attempts: 2,
      durationMs: 4200,
      evidence: [{ argv: ['npm', 'test'], exitCode: 0, commit: 'a'.repeat(40), durationMs: 4000, tail: '' }],
    },
  ],
  rounds: 1,
  branch: 'opus/FR-001-1-x',
  commit: '1234e567'.repeat(5),
  pr: { url: 'file:///r.git#pull/1', number: 1, state: 'open' },
  gate: 'merge@1234e567',
  cost: null,
  weaker: [],
  decisions: [],
  leftToPerson: [],
  error: null,
};
const command = (words: string): string => `opus ${words} --config there/opus.yml`;

test('a weaker job says so in job show and in status', () => {
  const weaker = ['the agent coder holds its own login (~/.codex/auth.json)'];
  const names = { title: 'X', base: 'main', isWorkedOn: false };
  const shown = (one: JobDocument): string[] => [
    ...jobLines(fakeTerminal(), one, names, { command } as never),
    ...pictureLines(fakeTerminal(), { runner: null, foreground: null, jobs: [one], now: 0, command }),
  ];
  expect(shown({ ...job, weaker }).filter((line) => line.includes('own login'))).toEqual([
    'weaker        The agent coder holds its own login (~/.codex/auth.json).',
    'FR-001-1: the agent coder holds its own login (~/.codex/auth.json).',
  ]);
  expect(shown(job).join('\n')).not.toMatch(/weaker/i);
});

describe('errors', () => {
  test('are a sentence with its code, where, and what to do; never a stack', () => {
    const problems = [{ line: 3, message: '`repo` is unknown.', hint: 'Did you mean `repos`?' }];
    const error = new OpusError('config.invalid', 'opus.yml is not valid.', {
      hint: 'Mend it.',
      details: { file: 'opus.yml', problems },
      cause: new Error('deep inside'),
    });
    expect(errorLines(error, fakeTerminal())).toEqual([
      'error opus.yml is not valid. (config.invalid)',
      '  opus.yml:3: `repo` is unknown.',
      '      Did you mean `repos`?',
      '  → Mend it.',
    ]);
  });

  test('that nobody foresaw keep their stack to themselves', () => {
    const terminal = fakeTerminal();
    expect(printError(new TypeError('x is not a function'), terminal, false)).toBe(3);
    expect(terminal.errLines.join('\n')).toContain('x is not a function');
    expect(terminal.errLines.join('\n')).not.toMatch(/\n\s+at /);
    expect(terminal.outLines).toEqual([]);
  });

  test('are one document where JSON was asked for', () => {
    const terminal = fakeTerminal();
    printError(new OpusError('git.conflict', 'They differ.'), terminal, true);
    expect(JSON.parse(terminal.outLines.join('\n'))).toEqual({
      error: { code: 'git.conflict', message: 'They differ.', hint: null },
    });
  });

  test.each([
    ['config.usage', 2],
    ['config.invalid', 2],
    ['config.untrusted', 3],
    ['vault.fr-not-found', 2],
    ['vault.fr-invalid', 2],
    ['registry.no-gate', 2],
    ['registry.not-retryable', 2],
    ['registry.job-not-found', 2],
    ['registry.locked', 3],
    ['sandbox.unavailable', 3],
    ['git.repository-missing', 1],
  ] as const)('%s ends with %i', (code, exit) => {
    expect(exitCodeOfError(new OpusError(code, 'x'))).toBe(exit);
  });
});

describe('what agents and notes say', () => {
  test('cannot move the cursor, colour the screen or retitle the window', () => {
    expect(plainText('a\u001b[31mred\u001b[0m \u001b]0;title\u0007b\u0008\u009b2Jc\td\r\ne')).toBe(
      'ared bc'.replace('c', '2Jc') + '\td\ne',
    );
    expect(plainLine('one\n two\t three')).toBe('one two three');
    expect(plainLine('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`);
  });

  test.each([
    [40, '40 ms'],
    [1234, '1.2 s'],
    [48_400, '48 s'],
    [192_000, '3m 12s'],
    [7_500_000, '2h 5m'],
  ])('%i ms is %s', (milliseconds, text) => {
    expect(shortDuration(milliseconds)).toBe(text);
  });
});

describe('tables', () => {
  test('align by what is seen, leave out empty columns and trailing space', () => {
    const red = (text: string): string => `<red>${text}</>`;
    const rows = [
      ['FR-1', ['bad', red], '', 'x'],
      ['FR-100', 'fine', '', ''],
    ] as const;
    expect(tableLines(fakeTerminal(), ['ID', 'STATE', 'NEVER', 'T'], rows)).toEqual([
      'ID      STATE  T',
      'FR-1    <red>bad</>    x',
      'FR-100  fine',
    ]);
  });
});

describe('jobs', () => {
  test('at a gate show their stages and the exact commands that decide', () => {
    const lines = jobLines(fakeTerminal(), job, { title: 'X', base: 'main', isWorkedOn: false }, { command } as never);
    expect(lines).toContain('FR-001-1  X');
    expect(lines).toContain('waiting for your decision (merge@1234e567)');
    expect(lines).toContain('test   1      passed   2      4.2 s  npm test → exit 0');
    expect(lines.join('\n')).toContain('opus approve FR-001 --config there/opus.yml');
  });

  test('that need a person name the retry, with more rounds where those ran out', () => {
    const error = { code: 'stage.rounds-exhausted', message: 'No.', hint: null };
    const stuck = { ...job, gate: null, waitingFor: 'human', error } as const;
    const commands = nextSteps(stuck, { command }).map(([words]) => words);
    expect(commands).toContain('opus job retry FR-001-1 --rounds 2 --config there/opus.yml');
    expect(nextSteps({ ...stuck, error: null }, { command }).map(([words]) => words)).toContain(
      'opus job retry FR-001-1 --config there/opus.yml',
    );
  });

  test('that are over offer nothing, or a new beginning', () => {
    expect(nextSteps({ ...job, gate: null, status: 'succeeded' }, { command })).toEqual([]);
    expect(nextSteps({ ...job, gate: null, status: 'failed' }, { command })[0]?.[0]).toContain('--again');
  });
});

describe('progress', () => {
  const started = { job: 'FR-001-1', stage: 'code', round: 1, kind: 'started', text: 'coder' } as const;

  test('says when a stage begins and how it ended, with its duration', () => {
    const terminal = fakeTerminal();
    let now = 0;
    const progress = createProgress(terminal, () => now);
    progress.show(started);
    progress.show({ ...started, kind: 'output', text: 'chatter' });
    now = 1500;
    progress.show({ ...started, kind: 'ended', text: 'passed: \u001b[31m2 files' });
    progress.close();
    progress.show(started);
    expect(terminal.errLines).toEqual(['… code, round 1 (coder)', '✓ code, round 1, 1.5 s  passed: 2 files']);
    expect(terminal.drawn).toEqual([]);
  });
});

describe('line diffs', () => {
  test('mark what went and came, and leave out what is equal and far', () => {
    const before = 'a\nb\nc\nd\ne\nf\n';
    expect(diffLines(before, 'a\nb\nc\nd\nX\nf\n')).toEqual(['…', ' c', ' d', '-e', '+X', ' f']);
    expect(diffLines('', 'new\n')).toEqual(['+new']);
    expect(diffLines('old\n', '')).toEqual(['-old']);
  });
});
