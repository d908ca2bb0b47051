import { expect, it } from 'vitest';
import { createLiveLines } from '../../runner/cli/live-lines.ts';
import type { LiveEntry, LiveEvent } from '../../shared/domain/live-output.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

function linesOf(...events: readonly (LiveEvent | number)[]): string[] {
  const terminal = fakeTerminal();
  const lines = createLiveLines(terminal);
  events.forEach((event, index) => {
    if (typeof event === 'number') lines.dropped(event);
    else lines.show(entryOf(event, index));
  });
  return terminal.outLines;
}

function entryOf(event: LiveEvent, number: number): LiveEntry {
  return { number, at: number * 1_000, job: 'FR-1-1', attempt: 'FR-1-1.code', stage: 'code', event };
}

const used = (cost: number | null): LiveEvent => ({
  kind: 'usage',
  model: 'm',
  usage: { input: 1_200, cacheRead: 400, cacheWrite: 0, output: 90 },
  cost,
});

it('an attempt reads as a heading, a line for each thing that the agent does, and what it came to and took', () => {
  expect(
    linesOf(
      { kind: 'started', round: 1, try: 2, agent: 'coder' },
      { kind: 'session', id: 's' },
      { kind: 'text', text: '\nI look first.\u001b[2J\n' },
      { kind: 'tool-call', id: '1', name: 'read_file', input: '{"limit":3,"path":"src/a.js"}' },
      { kind: 'tool-result', id: '1', ok: true, output: 'one\n\ntwo\nthree\n' },
      { kind: 'tool-call', id: '2', name: 'shell', input: '{"command":["npm","test"]}' },
      { kind: 'tool-result', id: '2', ok: false, output: 'exit 1' },
      { kind: 'tool-call', id: '3', name: 'odd', input: '[1]' },
      { kind: 'file-change', path: 'src/a.js', change: 'changed' },
      { kind: 'permission', name: 'WebFetch', granted: false },
      { kind: 'permission', name: 'Read', granted: true },
      { kind: 'rate-limit', until: null, message: 'too many\nrequests' },
      { kind: 'question', question: 'Which one?' },
      used(0.02),
      used(null),
      { kind: 'command', purpose: 'test', command: 'npm test' },
      { kind: 'ended', status: 'passed', sentence: 'two files' },
    ),
  ).toEqual([
    '── code · round 1 · try 2 · coder',
    'I look first.',
    '→ read_file src/a.js',
    '← one (+2 lines)',
    '→ shell npm test',
    '← failed: exit 1',
    '→ odd [1]',
    '± src/a.js changed',
    '! WebFetch was not allowed',
    '! too many requests',
    '? Which one?',
    '$ npm test',
    '✓ code, 16 s  two files',
    '  2.4k tokens in (800 cached), 180 out, 0.02 USD + ?',
  ]);
});

it('what is missing is said, and who comes in the middle still learns where they are', () => {
  expect(linesOf(3, { kind: 'text', text: 'late' }, 1)).toEqual([
    '… 3 lines were left out: they came faster than they were shown',
    '── code',
    'late',
    '… 1 line was left out: they came faster than they were shown',
  ]);
});

it('the next try begins after an empty line', () => {
  const started = (round: number): LiveEvent => ({ kind: 'started', round, try: 1, agent: null });
  const rejected: LiveEvent = { kind: 'ended', status: 'rejected', sentence: 'exit 1' };
  expect(linesOf(started(0), rejected, started(1))).toEqual([
    '── code',
    '↺ code, 1.0 s  exit 1',
    '',
    '── code · round 1',
  ]);
});
