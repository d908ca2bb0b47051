import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { composeRunner, type Runner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import { makeKillLab, type KillLab } from '../support/kill-lab.ts';

const quiet = new AbortController().signal;
const me = { person: 'me', channel: 'cli' } as const;
let folder: string;
let lab: KillLab;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'question-'));
  lab = makeKillLab(folder);
  writeFileSync(join(folder, 'vault/00_system/opus/config.md'), '---\nstages: [code, test]\n---\n');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Asks until it finds the answer in its prompt, which it keeps in the tree. */
const asking = `if grep -q 'The number one' "$OPUS_PROMPT_FILE"; then
  cat "$OPUS_PROMPT_FILE" > prompt.txt; echo one > counted.txt; printf '{"summary":"counted"}' > "$OPUS_RESULT_FILE"
else
  echo 'Which number?' > "$OPUS_OUT_DIR/question"
fi`;

async function start(): Promise<Runner> {
  const runner = await composeRunner(loadConfig(lab.config));
  onTestFinished(() => runner.stop());
  await runner.start();
  return runner;
}

/** From the dispatch to the merge gate, with the answer on the way; the branch's name. */
async function answered(): Promise<string> {
  const { application } = await start();
  const job = await application.dispatch('KL-7', { again: false });
  const waiting = await application.work(job.id, { approve: null, signal: quiet });
  expect(waiting).toMatchObject({ status: 'waiting', waitingFor: 'question', gate: { kind: 'question' } });
  const note = readFileSync(lab.note, 'utf8');
  expect(note).toMatch(/^run_note: .*Which number\?/m);
  expect(note).toMatch(/^gate: "?question@/m);
  await application.decide(job.id, 'changes', 'The number one.', me);
  const rested = await application.work(job.id, { approve: null, signal: quiet });
  expect(rested).toMatchObject({ waitingFor: 'approval', gate: { kind: 'merge' } });
  expect(application.attempts(job.id).filter(({ stage }) => stage === 'code')).toHaveLength(2);
  return rested.branch;
}

it('a program’s question file is put before a person, and the answer reaches it whatever its note says', async () => {
  writeFileSync(join(folder, 'agents/code.sh'), asking);
  const branch = await answered();
  expect(lab.git('show', `${branch}:prompt.txt`)).toContain('The number one.');
});

it('a CLI’s question file is put before a person, and its conversation goes on with the answer', async () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const events = [
    { type: 'system', subtype: 'init', session_id: '0b9a4a52-3a5c-4f5e-9b1f-0f6f6a6f9d11', model: 'm' },
    { type: 'result', subtype: 'success', is_error: false, result: 'Said.' },
  ];
  const lines = events.map((event) => `echo '${JSON.stringify(event)}'`).join('\n');
  writeFileSync(join(bin, 'claude'), `#!/bin/sh\nprintf '%s\\n' "$@" > args.txt\n${asking}\n${lines}\n`);
  chmodSync(join(bin, 'claude'), 0o755);
  const path = process.env['PATH'] ?? '';
  onTestFinished(() => {
    process.env['PATH'] = path;
  });
  process.env['PATH'] = `${bin}:${path}`;
  appendFileSync(lab.config, 'models: { anthropic: { url: "http://127.0.0.1:9" } }\n');
  writeFileSync(
    join(folder, 'vault/00_system/opus/agents/code.md'),
    '---\nstage: code\ndriver: claude\n---\n{{ fr.title }}\n\n{{ comment }}\n',
  );
  const branch = await answered();
  const prompt = lab.git('show', `${branch}:prompt.txt`);
  expect(prompt.match(/The number one\./g)).toHaveLength(1);
  expect(prompt).toMatch(/write the question to the file \S+\/out\/question/);
  expect(lab.git('show', `${branch}:args.txt`)).toContain('--resume\n0b9a4a52-3a5c-4f5e-9b1f-0f6f6a6f9d11\n');
});
