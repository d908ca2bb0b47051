import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Installed } from './installed.ts';
import { featureRequestId } from './job-lab.ts';
import { median, percentile, plainRow, type Row } from './measure.ts';
import { idleNotes, makeServiceLab, notePath, sayNothing, sayWhen, type ServiceLab } from './service-lab.ts';
import { until, untilJob, withService, type ServiceSession } from './service-session.ts';

const saves = 40;
const queued = 100;
const idleMs = 30_000;

/** Saves notes one after the other, each once the job of the last one rests; milliseconds until its agent had begun. */
async function saveToStart(lab: ServiceLab, session: ServiceSession, numbers: readonly number[]): Promise<number[]> {
  const took: number[] = [];
  for (const number of numbers) {
    const savedAt = lab.save(number, { status: 'planned' });
    const { id } = await untilJob(session, featureRequestId(number), (job) => job.waitingFor === 'approval');
    const folder = join(lab.data, 'logs', id);
    const log = readdirSync(folder).find((name) => name.includes('.plan.')) ?? '';
    const began = /began at (\d+\.\d+)/.exec(readFileSync(join(folder, log), 'utf8'))?.[1];
    took.push(Number(began) * 1_000 - savedAt);
    // Away from the moments at which the service does something by itself.
    await pause(50 + ((number * 37) % 200));
  }
  return took;
}

export async function latencyRows(installed: Installed): Promise<Row[]> {
  const lab = makeServiceLab({ script: sayWhen });
  idleNotes(lab, 200);
  return withService(installed, lab, async (session) => {
    const numbers = Array.from({ length: saves + 2 }, (_none, index) => 1 + index);
    // The first two warm up.
    const took = (await saveToStart(lab, session, numbers)).slice(2);
    return [plainRow('note saved → agent started, p95', 'ms', percentile(took, 0.95), 250, spread(took))];
  });
}

export async function queueRows(installed: Installed): Promise<Row[]> {
  const lab = makeServiceLab({
    script: `case "$OPUS_FR_ID" in FR-2*) exec sleep 1200 ;; esac\n${sayWhen}`,
    agents: { slow: 1 },
  });
  idleNotes(lab, 60);
  for (let index = 0; index <= queued; index += 1) lab.save(200 + index, { status: 'planned', agent: 'slow' });
  return withService(installed, lab, async (session) => {
    await until(
      () => {
        const jobs = session.registry.jobs({ finished: false });
        return jobs.length === queued + 1 && jobs.some(({ status }) => status === 'running') ? true : null;
      },
      { what: `${queued} queued jobs`, withinMs: 120_000, everyMs: 250 },
    );
    const numbers = Array.from({ length: saves + 2 }, (_none, index) => 1 + index);
    const took = (await saveToStart(lab, session, numbers)).slice(2);
    const waiting = session.registry
      .jobs({ finished: false })
      .filter(({ status, slot }) => status === 'queued' && slot === null);
    if (waiting.length !== queued) throw new Error(`${waiting.length} jobs were queued instead of ${queued}.`);
    return [
      plainRow(
        `the same with ${queued} queued jobs and free slots, p95`,
        'ms',
        percentile(took, 0.95),
        1_000,
        spread(took),
      ),
    ];
  });
}

function spread(values: readonly number[]): string {
  return `median ${median(values).toFixed(0)} ms, most ${Math.max(...values).toFixed(0)} ms of ${values.length}`;
}

export async function idleRows(installed: Installed): Promise<Row[]> {
  return [...(await idleRow(installed, 200)), ...(await idleRow(installed, 10_000))];
}

async function idleRow(installed: Installed, notes: number): Promise<Row[]> {
  const lab = makeServiceLab({ script: sayNothing });
  idleNotes(lab, notes);
  return withService(installed, lab, async (session) => {
    await pause(10_000);
    const before = session.cpuMs();
    const began = performance.now();
    const resident: number[] = [];
    while (performance.now() - began < idleMs) {
      resident.push(session.residentMB());
      await pause(1_000);
    }
    const share = ((session.cpuMs() - before) / (performance.now() - began)) * 100;
    const rows = [
      plainRow(`idle service, ${notes} notes: processor`, '%', share, 1),
      plainRow(`idle service, ${notes} notes: resident memory`, 'MB', median(resident), 120),
    ];
    return notes === 200 ? rows : [...rows, ...(await oneEdit(lab, session, notes))];
  });
}

/** A job that waits for its approval takes its title from its note. */
async function oneEdit(lab: ServiceLab, session: ServiceSession, notes: number): Promise<Row[]> {
  lab.save(7, { status: 'planned' });
  await untilJob(session, featureRequestId(7), (job) => job.waitingFor === 'approval');
  const took: number[] = [];
  const before = session.cpuMs();
  const rounds = 20;
  for (let round = 0; round < rounds; round += 1) {
    const file = join(lab.folder, notePath(7));
    const title = `Edit ${round}`;
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^title: .*$/m, `title: "${title}"`));
    const began = performance.now();
    await untilJob(session, featureRequestId(7), (job) => job.title === title);
    took.push(performance.now() - began);
    await pause(500);
  }
  const cpu = (session.cpuMs() - before) / rounds;
  return [
    plainRow(`one of ${notes} notes edited, until the service has taken it up`, 'ms', median(took), null, spread(took)),
    plainRow('processor time of the service for that', 'ms', cpu, null),
  ];
}

export async function crowdRows(installed: Installed): Promise<Row[]> {
  const agents = 10;
  const script = `[ "$OPUS_STAGE" = plan ] && for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  for tenth in 1 2 3 4 5 6 7 8 9 10; do echo "working on it: second $second, tenth $tenth"; sleep 0.1; done
done
${sayNothing}`;
  const lab = makeServiceLab({ script, concurrency: agents });
  idleNotes(lab, 200);
  return withService(installed, lab, async (session) => {
    for (let number = 1; number <= agents; number += 1) lab.save(number, { status: 'planned' });
    const ids = await Promise.all(
      Array.from({ length: agents }, async (_none, index) => {
        const { id } = await untilJob(session, featureRequestId(1 + index), ({ runState }) => runState === 'plan');
        return id;
      }),
    );
    const atWork = (): boolean =>
      ids.every(
        (id) => session.registry.attempts(id).at(-1)?.stage === 'plan' && session.registry.job(id)?.runState === 'plan',
      );
    await pause(1_000);
    const before = session.cpuMs();
    const began = performance.now();
    const resident: number[] = [];
    while (performance.now() - began < 15_000) {
      resident.push(session.residentMB());
      await pause(500);
    }
    const share = ((session.cpuMs() - before) / (performance.now() - began)) * 100;
    if (!atWork()) throw new Error('The agents did not work at the same time.');
    return [
      plainRow(`${agents} agents at once, runner alone: share of a core`, '%', share, 20),
      plainRow(`${agents} agents at once, runner alone: resident memory`, 'MB', Math.max(...resident), 200),
    ];
  });
}
