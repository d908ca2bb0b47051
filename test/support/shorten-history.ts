import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Shortens the history of a data folder, and says what it is about to do: `copy`, `rename` and `renamed` of a file of the
 * archive, `forget` of each job. At `stopAt` it stops for ever, so that the process can be killed in that very moment.
 */
const [config = '', stopAt = ''] = process.argv.slice(2);
const say = (moment: string): void => {
  console.log(moment);
  // Nothing may happen from here on, not even a timer.
  if (moment === stopAt) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};
const { copyFile, rename } = fs.promises;
const isArchive = (file: unknown): boolean => String(file).includes('.jsonl.gz');
fs.promises.copyFile = async (from, to, mode) => {
  await copyFile(from, to, mode);
  if (isArchive(to)) say('copy');
};
fs.promises.rename = async (from, to) => {
  if (isArchive(to)) say('rename');
  await rename(from, to);
  if (isArchive(to)) say('renamed');
};
syncBuiltinESMExports();

const { loadConfig } = await import('../../runner/config/load.ts');
const { composeParts } = await import('../../runner/compose-parts.ts');
const { serviceTasks } = await import('../../runner/compose-service-tasks.ts');
const { releaseAll } = await import('../../runner/compose.ts');
const releases: (() => Promise<void> | void)[] = [];
const parts = await composeParts(loadConfig(config), {}, releases, () => undefined);
const { registry } = parts.dependencies;
const forgetJob = registry.forgetJob.bind(registry);
registry.forgetJob = (id) => {
  say(`forget ${id}`);
  forgetJob(id);
};
await serviceTasks(parts)
  .find(({ name }) => name === 'history')
  ?.run();
console.log('end');
await releaseAll(releases);
