// A service with jobs all the time, and what becomes of its memory, its files and its processes.
//   npm run soak [-- --minutes 20] [--every SECONDS] [--keep SECONDS]      a job each so often; history kept so long
import { readdirSync, statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { install } from './installed.ts';
import { liveHeapMB } from './live-heap.ts';
import { makeServiceLab, type ServiceLab } from './service-lab.ts';
import { startSession, until, type ServiceSession } from './service-session.ts';
import { createSoakJobs, pool, soakScript, type SoakJobs } from './soak-jobs.ts';
import { judgeSoak, soakText, writeSoak, type SoakSample } from './soak-report.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    every: { type: 'string', default: '3' },
    keep: { type: 'string', default: '120' },
  },
});
const durationMs = Number(values.minutes) * 60_000;
const everyMs = Number(values.every) * 1_000;
const lab = makeServiceLab({
  concurrency: 2,
  script: soakScript,
  yml: `retry: { attempts: 3, base: 100ms, factor: 2, max: 1s }
history: { keep: ${values.keep}s, reports: 50 }
backup: { every: 5m, keep: 3 }
log: { size: 1M, keep: 3 }
`,
});
for (let number = 1; number <= pool; number += 1) lab.save(number, { status: 'idea' });
const installed = install();
try {
  process.exitCode = (await soak()) ? 0 : 1;
} finally {
  installed.remove();
  lab.remove();
}

async function soak(): Promise<boolean> {
  const session = await startSession(installed, lab, { nodeOptions: ['--inspect=127.0.0.1:0'] });
  const jobs = createSoakJobs(lab, session);
  const loadBefore = loadavg()[0] ?? 0;
  try {
    // The first backup opens what then stays open; five seconds after its start the service looks for leftovers.
    await session.client.call('backup.create', {});
    await pause(12_000);
    const began = performance.now();
    const baseline = await sample(session, jobs, 0);
    const samples = await work(session, jobs, began);
    await until(async () => ((await jobs.attend()) === 0 ? true : null), { what: 'the last job', everyMs: 250 });
    // What closes a little later, such as a connection that is kept for a next request, is no leak.
    await pause(15_000);
    const last = await sample(session, jobs, performance.now() - began);
    const heap = await liveHeapMB(session.inspector ?? '');
    const result = judgeSoak({ baseline, samples, last: { ...last, liveHeapMB: heap } });
    const load = [loadBefore, loadavg()[0] ?? 0] as const;
    const text = soakText(result, { minutes: Number(values.minutes), every: Number(values.every), load });
    process.stdout.write(text);
    if (Number(values.minutes) >= 10) writeSoak(text);
    return result.criteria.every(({ held }) => held);
  } finally {
    await session.stop();
  }
}

/** Every five seconds a sample, until the time is over. */
async function work(session: ServiceSession, jobs: SoakJobs, began: number): Promise<SoakSample[]> {
  const samples: SoakSample[] = [];
  const due = { job: 0, sample: 5_000, edit: 10_000, heap: 60_000 };
  const isDue = (what: keyof typeof due, each: number): boolean => {
    if (performance.now() - began < due[what]) return false;
    due[what] += each;
    return true;
  };
  while (performance.now() - began < durationMs) {
    await jobs.attend();
    if (isDue('job', everyMs)) jobs.begin();
    if (isDue('edit', 10_000)) jobs.editANote();
    if (isDue('sample', 5_000)) {
      const taken = await sample(session, jobs, performance.now() - began);
      const heap = isDue('heap', 60_000) ? { liveHeapMB: await liveHeapMB(session.inspector ?? '') } : {};
      samples.push({ ...taken, ...heap });
      process.stderr.write(`${JSON.stringify({ ...samples.at(-1), descriptors: taken.descriptors.length })}\n`);
    }
    await pause(100);
  }
  return samples;
}

async function sample(session: ServiceSession, jobs: SoakJobs, atMs: number): Promise<SoakSample> {
  const { registry } = session;
  return {
    atMs: Math.round(atMs),
    residentMB: session.residentMB(),
    heapMB: (await session.metric('opus_nodejs_heap_size_used_bytes')) / 1024 ** 2,
    cpuMs: session.cpuMs(),
    descriptors: session.descriptors(),
    children: session.children(),
    registryKB: sizesKB(lab, 'registry.db'),
    engineKB: sizesKB(lab, 'engine.db'),
    logsKB: folderKB(join(lab.data, 'logs')),
    ...jobs.counts(),
    keptJobs: registry.jobs({ finished: true }).length,
  };
}

/** Of the database and what SQLite has beside it. */
function sizesKB({ data }: ServiceLab, name: string): number {
  const files = readdirSync(data).filter((file) => file.startsWith(name));
  return files.reduce((sum, file) => sum + sizeOf(join(data, file)), 0) / 1024;
}

function folderKB(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + sizeOf(join(parentPath, name)), 0) / 1024;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
