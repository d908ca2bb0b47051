import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createCommandDriver } from '../../runner/adapters/agents/command-driver.ts';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import { MalformedJson, type AgentProfile, type AgentRequest } from '../../runner/core/ports/agent.ts';
import { defaultSandboxLimits } from '../../runner/core/ports/sandbox.ts';

const folder = mkdtempSync(join(tmpdir(), 'driver-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const driver = createCommandDriver({
  sandbox: createBubblewrapSandbox(),
  configFolder: '/config',
  environment: { CI: 'yes', SECRET: 'hunter2' },
  home: '/home/nobody',
});

let count = 0;

function run(script: string, more: Partial<AgentRequest> = {}, profile: Partial<AgentProfile> = {}) {
  const attempt = join(folder, String(count++));
  const tree = join(attempt, 'tree');
  mkdirSync(tree, { recursive: true });
  return driver.run({
    profile: {
      name: 'sh',
      path: '00_system/opus/agents/sh.md',
      stages: ['code'],
      driver: 'command',
      command: ['/bin/sh', '-c', script],
      model: null,
      timeoutMs: null,
      stallMs: null,
      concurrency: null,
      endpoints: [],
      reads: [],
      network: [],
      env: ['CI'],
      skills: [],
      constraints: '',
      match: null,
      template: '',
      ...profile,
    },
    job: 'FR-1-1',
    featureRequest: 'FR-1',
    stage: 'code',
    attempt: 1,
    round: 0,
    prompt: 'do it',
    model: 'large',
    tree: {
      path: tree,
      commit: 'c',
      repository: { name: 'app', url: '/x' },
      job: 'FR-1-1',
      mounts: [{ source: tree, mode: 'read-write' }],
    },
    treeMode: 'read-write',
    attemptFolder: attempt,
    stateFolder: attempt,
    plan: 'the plan',
    logFile: join(attempt, 'log'),
    timeoutMs: 20_000,
    stallMs: 20_000,
    limits: defaultSandboxLimits,
    hidden: [],
    signal: new AbortController().signal,
    session: null,
    gateway: null,
    ...more,
  });
}

describe('the command driver', () => {
  it('hands over the whole environment of the contract and nothing else', async () => {
    const outcome = await run(`env | sort | grep -v -e _FILE= -e _DIR= -e PWD -e HOME -e PATH -e SHLVL -e '^_=' > seen
      cat "$OPUS_PROMPT_FILE" "$OPUS_PLAN_FILE" >> seen; test -d "$OPUS_OUT_DIR" && echo out >> seen
      printf '{"summary":"%s"}' "$(tr '\\n' ' ' < seen)" > "$OPUS_RESULT_FILE"`);
    expect(outcome).toMatchObject({
      kind: 'finished',
      result: {
        summary:
          'CI=yes LANG=C.UTF-8 OPUS_ATTEMPT=1 OPUS_FR_ID=FR-1 OPUS_JOB_ID=FR-1-1 OPUS_ROUND=0 OPUS_STAGE=code TERM=dumb do itthe planout ',
      },
    });
  });

  it('fills placeholders within arguments and never through a shell', async () => {
    const outcome = await run(
      '',
      { prompt: '$(touch /tmp/x) "q"' },
      {
        command: [
          '/bin/sh',
          '-c',
          'printf \'{"summary":"%s"}\' "$1 $2" > "$OPUS_RESULT_FILE"',
          'sh',
          '{{stage}}:{{job}}:{{model}}:{{config_dir}}',
          '{{prompt_file}}',
        ],
      },
    );
    expect(outcome).toMatchObject({ kind: 'finished' });
    expect(JSON.stringify(outcome)).toMatch(/code:FR-1-1:large:\/config .*prompt\.md/);
    expect(await run('', {}, { command: ['/bin/true', '{{promt}}'] })).toMatchObject({
      kind: 'failed',
      error: { code: 'vault.agent-invalid' },
    });
  });

  it.each([
    [`echo '{"message":"no luck"}' > "$OPUS_OUT_DIR/error"`, 'agent.failed', /no luck/],
    ['touch "$OPUS_OUT_DIR/timeout"', 'agent.timeout', /timeout of its own/],
    ['touch "$OPUS_OUT_DIR/cancelled"', 'agent.canceled', /canceled/],
    ['exit 7', 'agent.failed', /exit code 7/],
    ['true', 'agent.no-result', /wrote no result/],
    ['ln -s /etc/passwd "$OPUS_RESULT_FILE"', 'agent.unsafe-result', /symbolic link/],
    ['mkfifo "$OPUS_RESULT_FILE"', 'agent.unsafe-result', /not a plain file/],
    ['truncate -s 1500M "$OPUS_RESULT_FILE"', 'agent.unsafe-result', /MB large/],
    [
      'echo x > h; ln h "$OPUS_RESULT_FILE" 2>/dev/null || { cd "$OPUS_OUT_DIR"; echo x > h; ln h "$OPUS_RESULT_FILE"; }',
      'agent.unsafe-result',
      /hard link/,
    ],
    ['printf "\\377\\376" > "$OPUS_RESULT_FILE"', 'agent.unsafe-result', /UTF-8/],
  ])('%s → %s', async (script, code, sentence) => {
    const outcome = await run(script);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code } });
    expect(outcome.kind === 'failed' && outcome.error.message).toMatch(sentence);
  });

  it('takes the result from the done sentinel where there is no result file', async () => {
    expect(await run(`echo '{"summary":"by done"}' > "$OPUS_OUT_DIR/done"`)).toMatchObject({
      kind: 'finished',
      result: { summary: 'by done' },
    });
  });

  it.each([
    ['echo "Which one?" > "$OPUS_OUT_DIR/question"', 'Which one?'],
    [`echo '{"question":"Which one?"}' > "$OPUS_OUT_DIR/question"; exit 3`, 'Which one?'],
    ['yes why | head -c 1000000 > "$OPUS_OUT_DIR/question"; echo boom > "$OPUS_OUT_DIR/error"', /^why\n(?:why\n){999}/],
  ])('passes on what the agent asks, however it ended: %s', async (script, question) => {
    const outcome = await run(script);
    expect(outcome).toMatchObject({ kind: 'asked', question: expect.stringMatching(question) as string });
    expect(outcome.kind === 'asked' && outcome.question.length).toBeLessThan(4_001);
  });

  it('takes the result of an agent that also left a question, and no question that is empty', async () => {
    const both = `echo '{"summary":"s"}' > "$OPUS_RESULT_FILE"; echo 'Which?' > "$OPUS_OUT_DIR/question"`;
    expect(await run(both)).toMatchObject({ kind: 'finished', result: { summary: 's' } });
    expect(await run('echo > "$OPUS_OUT_DIR/question"; exit 7')).toMatchObject({ error: { code: 'agent.failed' } });
    const link = await run('ln -s /etc/passwd "$OPUS_OUT_DIR/question"');
    expect(link).toMatchObject({ kind: 'failed', error: { code: 'agent.unsafe-result' } });
  });

  it('tells malformed JSON from none, so that it can be asked for once more', async () => {
    const outcome = await run('echo "{oops" > "$OPUS_RESULT_FILE"');
    expect(outcome.kind === 'finished' && outcome.result).toBeInstanceOf(MalformedJson);
  });

  it('shows a read-only tree where the stage only looks', async () => {
    const outcome = await run('touch nope && echo wrote; exit 3', { stage: 'review', treeMode: 'read-only' });
    expect(outcome).toMatchObject({ kind: 'failed', report: { exitCode: 3 } });
    expect(outcome.report.tail).toMatch(/Read-only file system/);
  });

  it('is canceled by its signal', async () => {
    const stop = new AbortController();
    const running = run('echo started; sleep 60', {
      signal: stop.signal,
      onOutput: () => {
        stop.abort();
      },
    });
    expect((await running).kind).toBe('canceled');
  });
});
