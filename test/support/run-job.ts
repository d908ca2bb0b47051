import { composeRunner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';

/** Takes one FR from wherever it is to its end, approving; a child of the kill tests. */
const [config = '', featureRequest = ''] = process.argv.slice(2);
const runner = await composeRunner(loadConfig(config));
await runner.start();
const job = await runner.application.dispatch(featureRequest, { again: false });
await runner.application.work(job.id, {
  approve: { person: 'test', channel: 'cli' },
  signal: new AbortController().signal,
});
console.log(JSON.stringify(runner.application.document(job.id)));
await runner.stop();
