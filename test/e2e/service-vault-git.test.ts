import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished, vi } from 'vitest';
import { composeService } from '../../runner/compose-service.ts';
import { createLiveConfig } from '../../runner/config/live-config.ts';
import { loadConfig } from '../../runner/config/load.ts';
import { plainGit } from '../support/git-lab.ts';
import { makeKillLab, userLines } from '../support/kill-lab.ts';

const folder = mkdtempSync(join(tmpdir(), 'vault-git-service-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A vault on the server, its remote, and a person's laptop. */
function makeLab() {
  const lab = makeKillLab(folder);
  const remote = join(folder, 'notes.git');
  const vault = join(folder, 'vault');
  const laptop = join(folder, 'laptop');
  writeFileSync(join(vault, '00_system/opus/config.md'), '---\nbacklog: dispatch\nstages: [code, test]\n---\n');
  renameSync(lab.note, join(folder, 'KL-7.md'));
  writeFileSync(join(vault, '10_features/.gitkeep'), '');
  plainGit(folder, 'init', '--quiet', '--bare', '--initial-branch=main', remote);
  plainGit(vault, 'init', '--quiet', '--initial-branch=main');
  plainGit(vault, 'add', '--all');
  plainGit(vault, 'commit', '--quiet', '--message', 'Notes');
  plainGit(vault, 'push', '--quiet', remote, 'main');
  plainGit(folder, 'clone', '--quiet', remote, laptop);
  appendFileSync(lab.config, 'server: { port: 0 }\n');
  const text = readFileSync(lab.config, 'utf8');
  writeFileSync(
    lab.config,
    text.replace('vault: { path: ./vault }', 'vault: { path: ./vault, git: { remote: ./notes.git, interval: 200ms } }'),
  );
  const onLaptop = join(laptop, '10_features/KL-7.md');
  return {
    ...lab,
    vault,
    /** The note as the person sees it, after a pull. */
    pulled: () => {
      plainGit(laptop, 'pull', '--quiet', '--rebase', 'origin', 'main');
      return readFileSync(onLaptop, 'utf8');
    },
    push: (text: string) => {
      writeFileSync(onLaptop, text);
      plainGit(laptop, 'add', '--all');
      plainGit(laptop, 'commit', '--quiet', '--message', 'Edited');
      plainGit(laptop, 'pull', '--quiet', '--rebase', 'origin', 'main');
      plainGit(laptop, 'push', '--quiet', 'origin', 'main');
    },
    first: () => readFileSync(join(folder, 'KL-7.md'), 'utf8'),
  };
}

it('a request pushed from a laptop is worked on, and its outcome and gate come back by git', async () => {
  const lab = makeLab();
  const service = await composeService({ live: createLiveConfig(() => loadConfig(lab.config)) });
  onTestFinished(() => service.stop(AbortSignal.abort()));
  lab.push(lab.first());
  const waiting = { timeout: 30_000, interval: 200 };
  const gate = await vi.waitFor(() => {
    const text = lab.pulled();
    const found = /^gate: "?merge@([0-9a-f]{8})"?$/m.exec(text)?.[1];
    expect(text).toMatch(/^status: in-review$/m);
    expect(found).toBeDefined();
    return found ?? '';
  }, waiting);

  lab.push(lab.pulled().replace(/^status: .*$/m, (line) => `${line}\ndecision: approve ${gate}\npriority: P1`));
  await vi.waitFor(() => {
    expect(lab.pulled()).toMatch(/^status: done$/m);
  }, waiting);
  const text = lab.pulled();
  for (const line of [...userLines, 'priority: P1']) expect(text.split('\n')).toContain(line);
  expect(lab.git('rev-list', '--merges', '--count', 'main').trim()).toBe('1');
  await vi.waitFor(() => {
    expect(plainGit(lab.vault, 'status', '--porcelain')).toBe('');
  }, waiting);
});
