// A service's server in a process of its own: the real registry, event bell and boards' jobs; the events are written here.
//   wire-session.ts FOLDER JOBS EVENTS_A_SECOND SECONDS
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { boardJobOf } from '../../runner/core/reporting/board-job.ts';
import { createEventBell } from '../../runner/event-bell.ts';
import { createConnectedDevices } from '../../runner/server/connected-devices.ts';
import { createServer } from '../../runner/server/create-server.ts';
import type { ServerApplication } from '../../runner/server/server-application.ts';
import { aJob, anAttempt } from '../support/records.ts';
import { aRunnerStatus, collectLog, loopbackServer } from '../support/server-stand-in.ts';

/** A line of what this process says. */
export type WireSaid =
  | { readonly url: string; readonly token: string }
  /** When all events were written: of resident memory the most and what it began with, in MB, and processor time in ms. */
  | { readonly mostMB: number; readonly beganMB: number; readonly cpuMs: number; readonly lastSeq: number };

const [folder = '', jobs = '100', perSecond = '200', seconds = '8'] = process.argv.slice(2);
const token = 'a-token';
const say = (said: WireSaid): void => {
  console.log(JSON.stringify(said));
};
const bell = createEventBell();
const clock = { now: () => Date.now() };
const registry = bell.ringing(openRegistry({ file: join(folder, 'registry.db'), clock }));
const ids = Array.from({ length: Number(jobs) }, (_, index) => `FR-${index + 1}-1`);
for (const [index, id] of ids.entries()) {
  const featureRequestId = `FR-${index + 1}`;
  registry.commit(null, null, { insertJob: aJob({ id, featureRequestId }) });
  registry.commit(null, null, { insertAttempt: anAttempt({ id: `${id}/code/0/1`, jobId: id }) });
}
const application: Partial<ServerApplication> = {
  events: {
    epoch: () => 'an-epoch',
    newest: () => registry.lastEventSeq(),
    after: (afterSeq, limit) =>
      registry.events({ afterSeq, limit }).map((event) => ({ ...event, data: { ...event.data } })),
    onRecorded: (listener) => {
      bell.onRing(listener);
    },
  },
  boardJob(id) {
    const job = registry.job(id);
    return job && boardJobOf({ registry, reportsFolder: '20_runs' }, job, clock.now());
  },
  boardState: () => ({
    runner: aRunnerStatus(),
    featureRequests: [],
    spending: { dollars: null, tokens: 0, budget: null },
    untrusted: 0,
  }),
  vaultWriters: null,
};
const server = createServer({
  config: loopbackServer,
  application: application as ServerApplication,
  health: () => ({ ready: true, checks: [] }),
  metrics: () => Promise.resolve(''),
  token,
  devices: { bearer: () => null, get: () => null, seen: () => undefined },
  connected: createConnectedDevices(),
  runner: { version: '1.2.3', name: 'a-machine' },
  log: collectLog(),
});
const { url } = await server.listen();
say({ url, token });

const residentMB = (): number => process.memoryUsage.rss() / 1024 ** 2;
for await (const _line of createInterface({ input: process.stdin })) {
  const beganMB = residentMB();
  const cpu = process.cpuUsage();
  const began = performance.now();
  let mostMB = beganMB;
  const wanted = Number(perSecond) * Number(seconds);
  await new Promise<void>((resolve) => {
    let written = 0;
    const timer = setInterval(() => {
      const due = Math.min(wanted, ((performance.now() - began) / 1_000) * Number(perSecond));
      for (; written < due; written += 1) {
        const data = { stage: 'code', round: 0, at: performance.timeOrigin + performance.now() };
        const jobId = ids[written % ids.length] ?? null;
        registry.commit(null, null, { events: [{ type: 'stage.started', jobId, data }] });
      }
      mostMB = Math.max(mostMB, residentMB());
      if (written < wanted) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  const { user, system } = process.cpuUsage(cpu);
  say({ mostMB, beganMB, cpuMs: (user + system) / 1_000, lastSeq: registry.lastEventSeq() });
}
await server.close();
registry.close();
