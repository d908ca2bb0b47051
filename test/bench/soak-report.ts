import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from './installed.ts';
import { median, slopeOf } from './measure.ts';
import { aligned, machine, machineTable, soakHeading } from './report.ts';

/** The service at one moment. */
export interface SoakSample {
  readonly atMs: number;
  readonly residentMB: number;
  readonly heapMB: number;
  /** Reachable after a collection; taken now and then only. */
  readonly liveHeapMB?: number;
  readonly cpuMs: number;
  readonly descriptors: readonly string[];
  readonly children: number;
  readonly registryKB: number;
  readonly engineKB: number;
  readonly logsKB: number;
  readonly begun: number;
  readonly merged: number;
  readonly canceled: number;
  /** Finished or not, as far as the registry still has them. */
  readonly keptJobs: number;
}

interface Soak {
  readonly baseline: SoakSample;
  readonly samples: readonly SoakSample[];
  readonly last: SoakSample;
}

interface Criterion {
  readonly what: string;
  readonly measured: string;
  readonly limit: string;
  readonly held: boolean;
}

export interface SoakResult extends Soak {
  readonly criteria: readonly Criterion[];
}

const hourMs = 3_600_000;
const mostGrowth = 2;

export function judgeSoak(soak: Soak): SoakResult {
  const { baseline, samples, last } = soak;
  const half = samples.slice(Math.floor(samples.length / 2));
  const resident = growth(perMinute(half, ({ residentMB }) => residentMB));
  const live = growth(
    half.flatMap(({ atMs, liveHeapMB }) => (liveHeapMB === undefined ? [] : [{ x: atMs, y: liveHeapMB }])),
  );
  const jobs = last.merged + last.canceled;
  return {
    ...soak,
    criteria: [
      {
        what: 'growth of resident memory, second half',
        measured: percentAnHour(resident),
        limit: `${mostGrowth} %/h`,
        held: resident.percent < mostGrowth,
      },
      {
        what: 'growth of live data, second half',
        measured: percentAnHour(live),
        limit: `${mostGrowth} %/h`,
        held: live.percent < mostGrowth,
      },
      {
        what: 'descriptors after the last job',
        measured: `${last.descriptors.length}, before the first ${baseline.descriptors.length}${extra(baseline, last)}`,
        limit: 'as before',
        held: last.descriptors.length <= baseline.descriptors.length,
      },
      {
        what: 'child processes after the last job',
        measured: `${last.children}, before the first ${baseline.children}`,
        limit: 'as before',
        held: last.children <= baseline.children,
      },
      {
        what: 'jobs that came to their end',
        measured: `${jobs} of ${last.begun}`,
        limit: 'all',
        held: jobs === last.begun && jobs > 0,
      },
    ],
  };
}

/** What is open at the end that was not at the beginning. */
function extra(baseline: SoakSample, last: SoakSample): string {
  const rest = [...baseline.descriptors];
  const more = last.descriptors.filter((target) => {
    const at = rest.indexOf(target);
    if (at !== -1) rest.splice(at, 1);
    return at === -1;
  });
  return more.length === 0 ? '' : ` (${more.map((target) => basename(target)).join(', ')})`;
}

type Point = Readonly<Record<'x' | 'y', number>>;

/** The median of each minute, which one collection or one burst of work does not move. */
function perMinute(samples: readonly SoakSample[], value: (sample: SoakSample) => number): Point[] {
  const minutes = Map.groupBy(samples, ({ atMs }) => Math.floor(atMs / 60_000));
  return [...minutes].map(([minute, of]) => ({ x: (minute + 0.5) * 60_000, y: median(of.map(value)) }));
}

function growth(points: readonly Point[]): { readonly percent: number; readonly error: number } {
  const mean = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const { slope, error } = slopeOf(points);
  return { percent: ((slope * hourMs) / mean) * 100, error: ((error * hourMs) / mean) * 100 };
}

function percentAnHour({ percent, error }: { readonly percent: number; readonly error: number }): string {
  return `${percent.toFixed(1)} ± ${error.toFixed(1)} %/h`;
}

/** The section as it stands in docs/benchmarks.md. */
export function soakText(
  { baseline, samples, last, criteria }: SoakResult,
  run: { readonly minutes: number; readonly every: number; readonly load: readonly [number, number] },
): string {
  const middle = samples[Math.floor(samples.length / 2)] ?? last;
  const at = [baseline, ...quarters(samples), last];
  const line = (what: string, value: (sample: SoakSample) => string): string[] => [what, ...at.map(value)];
  const later = last.merged + last.canceled - middle.merged - middle.canceled;
  const perJob = (value: (sample: SoakSample) => number): string =>
    `${((value(last) - value(middle)) / Math.max(1, later)).toFixed(1)} kB`;
  return `${soakHeading}

\`npm run soak\`: ${run.minutes} minutes of \`opus serve\` with a job every ${run.every} s, at most two at once: planned by a saved
note, six sandboxes and a merge each, approved by the command's call or in the note; some with a fix round, an agent that
fails once, one that fails for good. Every 10 s a note is edited. History is archived and logs turn over within the run.

${aligned([
  ['criterion', 'measured', 'limit', 'held'],
  ...criteria.map(({ what, measured, limit, held }) => [what, measured, limit, held ? 'yes' : 'NO']),
])}

${aligned([
  ['at', ...at.map(({ atMs }) => `${(atMs / 60_000).toFixed(1)} min`)],
  line('resident, MB', ({ residentMB }) => residentMB.toFixed(1)),
  line('heap in use, MB', ({ heapMB }) => heapMB.toFixed(1)),
  line('live data, MB', ({ liveHeapMB }) => liveHeapMB?.toFixed(2) ?? '–'),
  line('descriptors', ({ descriptors }) => String(descriptors.length)),
  line('child processes', ({ children }) => String(children)),
  line('jobs done', ({ merged, canceled }) => String(merged + canceled)),
  line('jobs in the registry', ({ keptJobs }) => String(keptJobs)),
  line('registry.db and -wal, kB', ({ registryKB }) => registryKB.toFixed(0)),
  line('engine.db and -wal, kB', ({ engineKB }) => engineKB.toFixed(0)),
  line('logs, kB', ({ logsKB }) => logsKB.toFixed(0)),
])}

- Growth is the slope by least squares through the median of each minute (resident) or one value a minute (live data: the
  heap without compiled code, after a collection through the inspector), of the second half of the run, in percent of its mean; ± is its standard error.
- In the second half each job added ${perJob((sample) => sample.registryKB)} to the registry, ${perJob((sample) => sample.engineKB)} to the engine's database and ${perJob((sample) => sample.logsKB)} of
  logs. The service itself used ${((last.cpuMs - baseline.cpuMs) / Math.max(1, last.merged + last.canceled)).toFixed(0)} ms of processor time a job.
- Load of the machine at the start ${run.load[0].toFixed(1)}, at the end ${run.load[1].toFixed(1)}; other work ran beside it where that is above 1.

${machineTable(machine())}
`;
}

function quarters(samples: readonly SoakSample[]): SoakSample[] {
  const withHeap = samples.filter(({ liveHeapMB }) => liveHeapMB !== undefined);
  const from = withHeap.length > 4 ? withHeap : samples;
  return [0, 1, 2, 3, 4].flatMap((quarter) => from[Math.round((quarter / 4) * (from.length - 1))] ?? []);
}

/** Puts the section in the place of the one before. */
export function writeSoak(text: string): void {
  const file = join(root, 'docs', 'benchmarks.md');
  const before = readFileSync(file, 'utf8').split(soakHeading)[0] ?? '';
  writeFileSync(file, `${before.trimEnd()}\n\n${text}`);
}
