import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { composeRunner, type Runner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import type { ProgressLine } from '../../runner/engine/stage-context.ts';
import { makeKillLab, type KillLab } from '../support/kill-lab.ts';

const quiet = new AbortController().signal;
const token = 'canary-of-the-login-0123456789';
const weakness = 'the agent code holds its own login (~/.agent/auth.json)';
const note = (text: string): string =>
  `---\nstage: code\ndriver: command\ncommand: ["/bin/sh", "{{config_dir}}/agents/code.sh"]\n${text}---\n`;
let folder: string;
let lab: KillLab;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weaker-'));
  lab = makeKillLab(folder);
  mkdirSync(join(folder, 'person/.agent'), { recursive: true });
  writeFileSync(join(folder, 'person/.agent/auth.json'), JSON.stringify({ token }));
  writeFileSync(join(folder, 'vault/00_system/opus/config.md'), '---\nstages: [code, test, deliver, merge]\n---\n');
  writeFileSync(join(folder, 'vault/00_system/opus/agents/code.md'), note('credentials: ~/.agent/auth.json\n'));
  writeFileSync(
    join(folder, 'agents/code.sh'),
    'echo "$OPUS_ROUND" >> counted.txt; cat "$HOME/.agent/auth.json" | tee /dev/stderr | sed "s/token/summary/" > "$OPUS_RESULT_FILE"\n',
  );
  const home = process.env['HOME'];
  process.env['HOME'] = join(folder, 'person');
  onTestFinished(() => {
    if (home === undefined) delete process.env['HOME'];
    else process.env['HOME'] = home;
  });
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function start(progress: (line: ProgressLine) => void = () => undefined): Promise<Runner> {
  const runner = await composeRunner(loadConfig(lab.config), { progress });
  onTestFinished(() => runner.stop());
  await runner.start();
  return runner;
}

it('a job whose agent holds its own login is shown as weaker wherever it is shown, and stays so when the note changes', async () => {
  const lines: ProgressLine[] = [];
  const { application } = await start((line) => lines.push(line));
  const job = await application.dispatch('KL-7', { again: false });
  const waiting = await application.work(job.id, { approve: null, signal: quiet });
  expect(waiting).toMatchObject({ waitingFor: 'approval' });
  expect(lines.filter(({ text }) => text.includes('own login'))).toEqual([
    {
      job: job.id,
      stage: 'code',
      round: 0,
      kind: 'note',
      text: `warning: The agent code holds its own login (~/.agent/auth.json).`,
    },
  ]);
  expect(application.document(job.id).weaker).toEqual([weakness]);
  writeFileSync(join(folder, 'vault/00_system/opus/agents/code.md'), note(''));
  await application.decide(job.id, 'changes', 'Once more.', { person: 'me', channel: 'cli' });
  writeFileSync(
    join(folder, 'agents/code.sh'),
    `echo again >> counted.txt; printf '{"summary":"s"}' > "$OPUS_RESULT_FILE"\n`,
  );
  await application.work(job.id, { approve: null, signal: quiet });
  expect(application.document(job.id).weaker).toEqual([weakness]);
  // But for what the agent itself wrote into its own folder.
  const shown = ['vault', 'data'].flatMap((name) =>
    readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('/work'))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')),
  );
  expect(shown.filter((text) => text.includes(token))).toEqual([]);
  expect(shown.find((text) => text.includes('type: run-report'))).toContain(`> [!warning] **Weaker:** ${weakness}.`);
  expect(lab.git('cat-file', '-p', 'refs/opus/pulls/1')).toContain(`**Weaker: ${weakness}.**`);
  expect(lab.git('log', '--all', '-p')).not.toContain(token);
  expect(lab.git('log', '--all', '-p')).toContain('*'.repeat(token.length));
});

it('limits.credentials in opus.yml forbids it', async () => {
  appendFileSync(lab.config, 'limits: { credentials: false }\n');
  const { application } = await start();
  const job = await application.dispatch('KL-7', { again: false });
  const stopped = await application.work(job.id, { approve: null, signal: quiet });
  expect(stopped).toMatchObject({ waitingFor: 'human', error: { code: 'vault.agent-invalid' } });
  expect(stopped.error?.message).toMatch(/limits\.credentials .* 00_system\/opus\/agents\/code\.md/);
  expect(application.document(job.id).weaker).toEqual([]);
});
