import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import type { JobDocument } from '#shared/domain/job.ts';
import type { DispatchedJob } from '#shared/protocol/method-results.ts';
import type { MethodResult } from '#shared/protocol/methods.ts';
import { logFolder } from './adapters/files/attempt-files.ts';
import { featureRequestDocument } from './core/reporting/feature-request-document.ts';
import { jobDocumentOf } from './core/reporting/job-document.ts';
import type { Job } from './core/ports/job-registry.ts';
import { expectedOf } from './engine/expected.ts';
import type { ServerApplication } from './server/server-application.ts';
import { boardCalls } from './compose-board-calls.ts';
import { deviceCalls } from './compose-device-calls.ts';
import { reviewCalls } from './compose-review-calls.ts';
import { vaultCalls } from './compose-vault-calls.ts';
import type { ServiceCalls } from './service-calls.ts';

const logTailBytes = 1_000_000;

/** The protocol's methods, each a few calls of what the runner can do. */
export function createServiceApplication(calls: ServiceCalls): ServerApplication {
  const { application, dependencies, supervisor, health } = calls;
  const { registry, clock } = dependencies;
  const document = (job: Job): JobDocument => jobDocumentOf(registry, job, clock.now());
  const dispatched = (job: Job): DispatchedJob => {
    const notes = supervisor.notes();
    const note = notes.find(({ id }) => id === job.featureRequestId);
    if (note === undefined) return document(job);
    return {
      ...document(job),
      expected: expectedOf({ registry, config: dependencies.config, now: clock.now() }, note, notes),
    };
  };
  const idOf = (name: string): string => application.job(name).id;
  const paused = (): MethodResult<'runner.pause'> => ({
    paused: supervisor.pauseMode(),
    running: registry.jobs({ finished: false }).filter(({ slot }) => slot !== null).length,
  });
  const setMode = (mode: 'no' | 'paused' | 'draining'): Promise<MethodResult<'runner.pause'>> => {
    supervisor.setPauseMode(mode);
    // Who looks next must not read the mode before.
    registry.setState('health', health.status());
    return Promise.resolve(paused());
  };
  const jobList = (finished: boolean, limit: number): JobDocument[] => {
    const open = registry.jobs({ finished: false });
    const ids = new Set(open.map(({ id }) => id));
    const over = finished
      ? registry
          .jobs({ finished: true, limit: limit + open.length })
          .filter(({ id }) => !ids.has(id))
          .slice(-limit)
      : [];
    return [...over, ...open].sort((left, right) => left.createdAt - right.createdAt).map(document);
  };

  return {
    ...boardCalls(calls),
    ...reviewCalls(calls),
    ...vaultCalls(calls),
    ...deviceCalls(calls),
    'fr.dispatch': async ({ fr, again }) => {
      const job = await application.dispatch(fr, { again, waitForDependencies: true });
      return dispatched(job);
    },
    'fr.dispatch-all': async () => {
      const ids = supervisor.releaseBacklog();
      const jobs: DispatchedJob[] = [];
      const refused: MethodResult<'fr.dispatch-all'>['refused'] = [];
      for (const id of ids) {
        try {
          jobs.push(dispatched(await application.dispatch(id, { again: false, waitForDependencies: true })));
        } catch (thrown) {
          const { code, message, hint } = toOpusError(thrown).summary();
          refused.push({ fr: id, code, message, hint });
        }
      }
      return { jobs, refused };
    },
    'fr.validate': async ({ fr }) => {
      const all = await application.featureRequests();
      const wanted = fr === undefined ? all : all.filter(({ id }) => id === fr);
      return { featureRequests: wanted.map(featureRequestDocument) };
    },
    'runner.status': () => Promise.resolve(health.status()),
    'runner.pause': () => setMode('paused'),
    'runner.resume': () => setMode('no'),
    'runner.drain': () => setMode('draining'),
    'runner.reload': () => Promise.resolve(calls.reload()),
    'job.list': ({ finished, limit }) => Promise.resolve({ jobs: jobList(finished, limit) }),
    'job.get': ({ job }) => Promise.resolve(document(application.job(job))),
    'job.log': async ({ job, lines }) => ({ logs: await logTails(dependencies.config.data, idOf(job), lines) }),
    'job.cancel': async ({ job, reason }) =>
      document(await application.cancel(idOf(job), reason ?? 'canceled by a person')),
    'job.pause': async ({ job }) => document(await application.pause(idOf(job))),
    'job.resume': async ({ job }) => document(await application.resume(idOf(job))),
    'job.retry': async ({ job, from, rounds, comment }) =>
      document(await application.retry(idOf(job), { from: from ?? null, rounds: rounds ?? null, comment })),
    'job.revert': async ({ job, comment }) => document(await application.revert(idOf(job), comment)),
    'job.unblock': ({ job }) => Promise.resolve(document(supervisor.unblock(application.job(job)))),
    'job.checkout': async ({ job, dir }) => document(await application.checkOut(idOf(job), dir)),
    'job.return': async ({ job }) => document(await application.takeBack(idOf(job))),
    'events.since': async ({ afterSeq, jobId, limit, waitMs }, { signal }) => {
      const from = afterSeq ?? registry.lastEventSeq();
      const filter = { afterSeq: from, limit, ...(jobId === undefined ? {} : { jobId: idOf(jobId) }) };
      const until = performance.now() + waitMs;
      for (;;) {
        const newest = registry.lastEventSeq();
        const events = registry.events(filter);
        const left = until - performance.now();
        if (events.length > 0 || left <= 0 || signal.aborted) {
          const throughSeq = events.length === limit ? (events.at(-1)?.seq ?? newest) : Math.max(newest, from);
          return { events: events.map((event) => ({ ...event, data: { ...event.data } })), throughSeq };
        }
        await calls.nextEvent(signal, left);
      }
    },
    events: {
      epoch: () => calls.epoch,
      newest: () => registry.lastEventSeq(),
      after: (afterSeq, limit) =>
        registry.events({ afterSeq, limit }).map((event) => ({ ...event, data: { ...event.data } })),
      onRecorded: (listener) => {
        calls.onEvents(listener);
      },
    },
    subscribeOutput: (job, listener) => application.subscribeOutput(job, listener),
    'backup.create': async ({ file }) => {
      if (file === undefined) return await calls.backup();
      throw new OpusError('config.usage', 'A running service keeps its backups in its data folder.', {
        hint: 'Leave the file out.',
      });
    },
  };
}

async function logTails(data: string, jobId: string, lines: number): Promise<{ name: string; text: string }[]> {
  const folder = logFolder(data, jobId);
  const names = await readdir(folder).catch(() => []);
  const files = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(folder, name))).birthtimeMs })),
  );
  const sorted = files.sort((left, right) => left.at - right.at);
  return await Promise.all(sorted.map(async ({ name }) => ({ name, text: await tailOf(join(folder, name), lines) })));
}

async function tailOf(path: string, lines: number): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const length = Math.min(size, logTailBytes);
    const { buffer } = await file.read({ buffer: Buffer.alloc(length), position: size - length });
    return buffer
      .toString('utf8')
      .split('\n')
      .slice(-lines - 1)
      .join('\n');
  } finally {
    await file.close();
  }
}
