import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { composeRunner, type Runner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';

/** A vault, an origin and agents that do next to nothing, so that what is measured is everything around them. */
export interface JobLab {
  readonly folder: string;
  readonly origin: string;
  readonly configFile: string;
  openRunner(): Promise<Runner>;
  remove(): void;
}

const results = {
  plan: '{"summary":"One line more","steps":[{"title":"Add the line"}]}',
  code: '{"summary":"Added the line"}',
  review: '{"verdict":"pass","confidence":95,"summary":"Fine","issues":[]}',
};

/** While there is a file called hang beside it, the coder works for ever. */
const agentScript = `#!/bin/sh
if [ "$OPUS_STAGE" = code ] && [ -e "\${0%/*}/hang" ]; then sleep 600; fi
case "$OPUS_STAGE" in
  plan) echo '${results.plan}' > "$OPUS_RESULT_FILE" ;;
  code) echo "$OPUS_JOB_ID" >> notes.txt; echo '${results.code}' > "$OPUS_RESULT_FILE" ;;
  *) echo '${results.review}' > "$OPUS_RESULT_FILE" ;;
esac
`;

const opusYml = `vault: { path: ./vault }
repos:
  app: { url: ./repos/app.git, base: main, forge: local, test: "true" }
data: ./.opus
`;

function agentNote(stage: string): string {
  return `---
stage: ${stage}
driver: command
command: [/bin/sh, "{{config_dir}}/agent/agent.sh"]
timeout: 5m
---

{{ fr.id }}: {{ fr.title }}

{{ fr.body }}

{{ result_schema }}
`;
}

export function featureRequestId(number: number): string {
  return `FR-${String(number).padStart(3, '0')}`;
}

function featureRequestNote(number: number): string {
  return `---
id: ${featureRequestId(number)}
title: "Add line ${number}"
status: planned
priority: P2
tags:
  - fr
---

Add one line to notes.txt.
`;
}

/** The bare repository repos/app.git below the folder, of a few small files. */
export function makeOrigin(folder: string): string {
  const source = join(folder, 'source');
  mkdirSync(join(source, 'src'), { recursive: true });
  writeFileSync(join(source, 'notes.txt'), 'first\n');
  writeFileSync(join(source, 'README.md'), '# App\n');
  for (let number = 0; number < 20; number += 1) {
    writeFileSync(join(source, 'src', `module-${number}.js`), `export const value = ${number};\n`.repeat(20));
  }
  const git = (...args: string[]): void => {
    execFileSync('git', ['-c', 'user.name=Bench', '-c', 'user.email=bench@localhost', ...args], { cwd: source });
  };
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message=First');
  mkdirSync(join(folder, 'repos'));
  const origin = join(folder, 'repos', 'app.git');
  git('clone', '--quiet', '--bare', '.', origin);
  return origin;
}

export function makeJobLab(jobs: number): JobLab {
  const folder = mkdtempSync(join(tmpdir(), 'opus-bench-'));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write('opus.yml', opusYml);
  write('agent/agent.sh', agentScript);
  for (const stage of ['plan', 'code', 'review']) write(`vault/00_system/opus/agents/${stage}.md`, agentNote(stage));
  for (let number = 1; number <= jobs; number += 1) {
    write(`vault/10_features/03_planned/${featureRequestId(number)}.md`, featureRequestNote(number));
  }
  const origin = makeOrigin(folder);
  const configFile = join(folder, 'opus.yml');
  return {
    folder,
    origin,
    configFile,
    async openRunner() {
      const runner = await composeRunner(loadConfig(configFile));
      await runner.trust.confirm('all');
      await runner.start();
      return runner;
    },
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One feature request from its dispatch to its merge, the approval given at once. */
export async function runJob(runner: Runner, number: number): Promise<string> {
  const { id } = await runner.application.dispatch(featureRequestId(number), { again: false });
  const job = await runner.application.work(id, {
    approve: { person: 'bench', channel: 'cli' },
    signal: new AbortController().signal,
  });
  if (job.status === 'succeeded') return id;
  throw new Error(`${id} ended as ${job.status}: ${job.error?.message ?? 'no error'}`);
}
