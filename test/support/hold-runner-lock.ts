import { acquireRunnerLock } from '../../runner/adapters/registry/runner-lock.ts';

const [folder = ''] = process.argv.slice(2);
acquireRunnerLock(folder);
console.log('held');
setInterval(() => undefined, 60_000);
