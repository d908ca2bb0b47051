import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { acquireRunnerLock } from '../../runner/adapters/registry/runner-lock.ts';

/** Takes the lock, keeps no reference to it and collects garbage, as a long-lived runner does sooner or later. */
const [folder = ''] = process.argv.slice(2);
acquireRunnerLock(folder);
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
for (let round = 0; round < 3; round += 1) {
  await setImmediate();
  collectGarbage();
}
console.log('held');
setInterval(() => undefined, 60_000);
