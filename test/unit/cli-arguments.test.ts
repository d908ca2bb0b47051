import { describe, expect, test } from 'vitest';
import { splitWords } from '../../runner/cli/init-answers.ts';
import { configText } from '../../runner/cli/init-files.ts';
import { runProgram } from '../../runner/cli/program.ts';
import { readStatusCall } from '../../runner/cli/status-call.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

describe('the call that is read by hand', () => {
  test.each([
    [['status'], { json: false }],
    [['status', '--json'], { json: true }],
    [['--config', 'x.yml', 'status'], { json: false, config: 'x.yml' }],
    [['status', '--config=x.yml', '--json'], { json: true, config: 'x.yml' }],
  ])('%j is status', (args, expected) => {
    expect(readStatusCall(args)).toEqual(expected);
  });

  test.each([[[]], [['run', 'FR-1']], [['status', '--help']], [['status', 'extra']], [['status', '--config']]])(
    '%j is left to the library',
    (args) => {
      expect(readStatusCall(args)).toBeNull();
    },
  );
});

test.each(
  [
    'demo, init, doctor, trust, run, status, approve, changes, reject, fr list, fr show, fr new, fr validate',
    'job list, job show, job log, job diff, job retry',
  ].flatMap((names) => names.split(', ')),
)('%s takes --json', async (name) => {
  const terminal = fakeTerminal();
  expect(await runProgram([...name.split(' '), '--help'], terminal)).toBe(0);
  expect(terminal.outLines.join('\n')).toMatch(/--json +one JSON document/);
});

describe('wrong arguments', () => {
  test.each([
    [['rn'], "Unknown command 'rn'. Did you mean run?", '--help'],
    [['run'], "Missing required argument 'fr'.", 'run --help'],
    [['run', 'FR-1', '--aprove'], "Unknown option '--aprove'. Did you mean --approve?", 'run --help'],
    [
      ['job', 'retry', 'FR-1', '--from', 'lunch'],
      /'lunch' is invalid. Allowed choices are plan, code/,
      'job retry --help',
    ],
    [['job', 'retry', 'FR-1', '--rounds', '0'], /must be a whole number/, 'job retry --help'],
    [['run', 'FR-1', 'FR-2'], /Too many arguments/, 'run --help'],
  ])('%j is one sentence with the way to help', async (args, message, help) => {
    const failure: unknown = await runProgram(args, fakeTerminal()).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({
      code: 'config.usage',
      message: typeof message === 'string' ? message : (expect.stringMatching(message) as string),
      hint: expect.stringContaining(help) as string,
    });
  });

  test('help and version are no errors', async () => {
    const terminal = fakeTerminal();
    expect(await runProgram(['--version'], terminal)).toBe(0);
    expect(await runProgram(['help', 'run'], terminal)).toBe(0);
    expect(terminal.outLines[0]).toMatch(/^\d+\.\d+\.\d+$/);
    expect(terminal.outLines.join('\n')).toContain('--config <file>');
  });

  test('no command at all shows what there is, and is wrong', async () => {
    const terminal = fakeTerminal();
    expect(await runProgram([], terminal)).toBe(2);
    expect(terminal.errLines.join('\n')).toContain('approve');
    expect(terminal.outLines).toEqual([]);
  });
});

describe('what init writes', () => {
  test.each([
    ['my-agent {{prompt_file}}', ['my-agent', '{{prompt_file}}']],
    [`node "a b.mjs" --x='1 2' {{ prompt }}`, ['node', 'a b.mjs', '--x=1 2', '{{ prompt }}']],
    ['', []],
  ])('cuts %j into words', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  test('quotes what YAML would read as something else', () => {
    const repositories = [{ name: 'app', url: 'git@host:me/app.git', base: 'true' }];
    const answers = { vault: 'My: vault, #1', repositories, test: 'npm test', agent: [], agentIsPlaceholder: true };
    const text = configText(answers, '/x/opus.yml');
    expect(text).toContain('vault: { path: "My: vault, #1" }');
    expect(text).toContain('{ url: "git@host:me/app.git", base: "true", forge: local, test: npm test }');
  });
});
