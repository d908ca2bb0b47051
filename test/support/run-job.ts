import { composeRunner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';

/** Takes one FR from wherever it is to its end, approving; a child of the kill tests. */
const [config = '', featureRequest = ''] = process.argv.slice(2);
const runner = await composeRunner(loadConfig(config));
await runner.start();
const { application } = runner;
// Killed between the job's end and this process's, there is nothing left to dispatch.
const ended = application.jobs().find((job) => job.status === 'succeeded');
const job = ended ?? (await application.dispatch(featureRequest, { again: false }));
if (!ended) {
  const approve = { person: 'test', channel: 'cli' } as const;
  await application.work(job.id, { approve, signal: new AbortController().signal });
}
console.log(JSON.stringify(application.document(job.id)));
await runner.stop();
