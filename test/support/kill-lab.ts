import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KillLab {
  readonly folder: string;
  readonly config: string;
  readonly note: string;
  readonly origin: string;
  git(...args: string[]): string;
}

export const userLines = [
  'id: KL-7',
  'title: Count "again"',
  'tags:',
  '  - fr',
  '# a comment of the user',
  'The *body* stays.',
];

const noteText = `---
id: KL-7
title: Count "again"
status: planned
# a comment of the user
tags:
  - fr
---
The *body* stays.
`;

/** Shell agents: the reviewer refuses until the second line is there, so that every run has a fix round. */
const agents: Readonly<Record<string, string>> = {
  plan: `printf '{"summary":"count","steps":[{"title":"one"}]}' > "$OPUS_RESULT_FILE"`,
  code: `echo "round $OPUS_ROUND" >> counted.txt; printf '{"summary":"round %s"}' "$OPUS_ROUND" > "$OPUS_RESULT_FILE"`,
  review: `if [ "$(wc -l < counted.txt)" -ge 2 ]; then
  printf '{"verdict":"pass","confidence":90,"summary":"two lines","issues":[]}' > "$OPUS_RESULT_FILE"
else
  printf '{"verdict":"fail","confidence":90,"summary":"one line","issues":[{"severity":"major","message":"one more line"}]}' > "$OPUS_RESULT_FILE"
fi`,
};

/** A vault, a repository and three shell agents in a folder, small enough to run a whole job in a second. */
export function makeKillLab(folder: string): KillLab {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write('vault/10_features/KL-7.md', noteText);
  for (const [stage, script] of Object.entries(agents)) {
    write(`agents/${stage}.sh`, `set -e\n${script}\n`);
    chmodSync(join(folder, `agents/${stage}.sh`), 0o755);
    const command = `["/bin/sh", "{{config_dir}}/agents/${stage}.sh"]`;
    write(
      `vault/00_system/opus/agents/${stage}.md`,
      `---\nstage: ${stage}\ndriver: command\ncommand: ${command}\n---\n{{ fr.title }}\n`,
    );
  }
  write('source/README', 'counted\n');
  const origin = join(folder, 'origin.git');
  git('init', '-q', '-b', 'main', join(folder, 'source'));
  git('-C', join(folder, 'source'), 'add', '-A');
  git('-C', join(folder, 'source'), 'commit', '-qm', 'First');
  git('clone', '-q', '--bare', join(folder, 'source'), origin);
  write(
    'opus.yml',
    `vault: { path: ./vault }
repos:
  app: { url: ./origin.git, base: main, forge: local, test: test -s counted.txt }
data: ./data
trust: auto
retry: { attempts: 3, base: 1ms, factor: 2, max: 5ms }
`,
  );
  return {
    folder,
    config: join(folder, 'opus.yml'),
    note: join(folder, 'vault/10_features/KL-7.md'),
    origin,
    git: (...args) => git('--git-dir', origin, ...args),
  };
}
