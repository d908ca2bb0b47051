import { createBackups } from '../../runner/adapters/registry/backups.ts';

/** Makes one backup after the other for as long as it lives, saying the name of each that is complete. */
const [dataFolder = ''] = process.argv.slice(2);
const clock = { now: () => Date.now() };
const backups = createBackups({ dataFolder, keep: 1_000, clock, packageVersion: '1.0.0' });
for (;;) {
  const { name } = await backups.create('scheduled');
  process.stdout.write(`${name}\n`);
}
