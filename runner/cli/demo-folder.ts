import { OpusError } from '#shared/domain/errors.ts';
import { existsSync } from 'node:fs';
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../adapters/registry/make-folder.ts';
import { createHostGit } from '../adapters/git/host-git.ts';
import { packageRoot } from '../config/package-root.ts';

/** Says that the folder is ours to empty: nothing without it is ever touched. */
const marker = '.opus-demo-folder';
const copied = ['opus.yml', 'vault', 'agent'];

/** Copies the example where there is none yet. True when it did. */
export async function prepareDemoFolder(folder: string): Promise<boolean> {
  if (existsSync(join(folder, marker))) {
    if (existsSync(join(folder, 'opus.yml')) && existsSync(join(folder, 'repos', 'app.git', 'HEAD'))) return false;
    await emptyDemoFolder(folder);
  }
  await refuseForeignFolder(folder);
  makeFolder(folder);
  await writeFile(join(folder, marker), 'Made by `opus demo`, which may empty this folder.\n');
  const examples = join(packageRoot, 'examples');
  await makeRepository(join(examples, 'repo'), join(folder, 'repos', 'app.git'));
  for (const name of copied.toReversed()) await cp(join(examples, name), join(folder, name), { recursive: true });
  return true;
}

/** For a fresh copy. Refuses a folder without the marker. */
export async function emptyDemoFolder(folder: string): Promise<void> {
  if (!existsSync(join(folder, marker))) await refuseForeignFolder(folder);
  for (const name of await readdir(folder)) {
    if (name !== marker) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function refuseForeignFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new OpusError('config.usage', `${folder} is not a folder that the demo can use.`, { cause: error });
  });
  if (names.every((name) => name === marker)) return;
  throw new OpusError('config.usage', `${folder} has files in it that the demo did not make, so it is left alone.`, {
    hint: 'Name an empty or a new folder with --dir.',
  });
}

/** A bare repository whose one commit on main is the example's code, the same commit each time. */
async function makeRepository(source: string, target: string): Promise<void> {
  const git = createHostGit();
  const index = { gitDir: target, workTree: source, indexFile: join(target, 'opus-demo-index') };
  makeFolder(target);
  const init = ['init', '--quiet', '--bare', '--initial-branch=main', '--template=', target];
  await git.text('make the example repository', init);
  await git.text('read the example repository', ['add', '--all', '.'], index);
  const tree = (await git.text('store the example repository', ['write-tree'], index)).trim();
  const identity = `Opus Orchestrator <opus@localhost> ${Date.UTC(2026, 0, 1) / 1000} +0000`;
  const commit = `tree ${tree}\nauthor ${identity}\ncommitter ${identity}\n\nThe example, as it begins\n`;
  const store = ['hash-object', '-t', 'commit', '-w', '--stdin'];
  const id = (await git.text('commit the example repository', store, { gitDir: target, input: commit })).trim();
  await git.text('name the branch main', ['update-ref', 'refs/heads/main', id], { gitDir: target });
  await rm(index.indexFile, { force: true });
}
