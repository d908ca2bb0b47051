import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { boundaryKinds, formatAim, parseAim, phasesOf, type Aim, type BoundaryCounts } from '../support/boundaries.ts';
import { startScript } from '../support/child-process.ts';
import { startGitHub, type GitHub } from '../support/github/start-github.ts';
import { makeServiceLab, type ServiceLab } from '../support/service-lab.ts';
import { expectSoundEnd, expectSoundNotes } from '../support/service-soundness.ts';

/**
 * `OPUS_SERVICE_KILLS=300 npm test -- test/e2e/service-kill.test.ts` for longer. `OPUS_SERVICE_KILL_SEED` chooses the same
 * kills again, and `OPUS_SERVICE_REPLAY="push:2:during 840ms"` does exactly these, one after the other, in one lab; with
 * `github` before them in one whose second repository is on a GitHub.
 */
const kills = Number(process.env['OPUS_SERVICE_KILLS'] ?? 60);
const seed = Number(process.env['OPUS_SERVICE_KILL_SEED'] ?? Date.now() % 1_000_000);
const replay = process.env['OPUS_SERVICE_REPLAY'];
const hosted = 'github';
/** Fewer than the runners that may die in one stage before a person is asked. */
const killsASeries = 8;
/** Of so many series one is with a GitHub. */
const everyHosted = 8;
/** Of every three kills one falls at random. */
const everyRandom = 3;
const goesOnWithinMs = 10_000;
const restsWithinMs = 120_000;
const pairs = boundaryKinds.flatMap((kind) => phasesOf(kind).map((phase) => ({ kind, phase })));
const folder = mkdtempSync(join(tmpdir(), 'service-kill-'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Where to end the service without warning: at a boundary, or so long after its start. */
type Kill = Aim | { readonly afterMs: number };

const formatKill = (kill: Kill): string => ('afterMs' in kill ? `${kill.afterMs}ms` : formatAim(kill));

function parseKill(text: string): Kill {
  const kill = parseAim(text) ?? { afterMs: Number(/^(\d+)ms$/.exec(text)?.[1]) };
  if ('afterMs' in kill && Number.isNaN(kill.afterMs))
    throw new Error(`OPUS_SERVICE_REPLAY: no kill is called ${text}`);
  return kill;
}

interface Life {
  readonly killed: boolean;
  /** From the start of the process to its first stage; null when it began none. */
  readonly stageAfterMs: number | null;
  /** Of a life that ended by itself. */
  readonly counts: BoundaryCounts | null;
}

/** One life of the service: until it is killed, or all is done and it was asked to stop. */
async function live(lab: ServiceLab, kill: Kill | null): Promise<Life> {
  const aim = kill !== null && !('afterMs' in kill) ? formatAim(kill) : '';
  const service = startScript('./run-service.ts', lab.config, aim);
  const began = performance.now();
  const isOver = service.ended().then(() => true);
  let wasStopped = false;
  while (!(await Promise.race([isOver, delay(10, false)]))) {
    if (kill !== null && 'afterMs' in kill && performance.now() - began >= kill.afterMs) {
      await service.kill();
      break;
    }
    if (performance.now() - began > restsWithinMs) throw new Error(`Not at their ends: ${lab.unsettled().join('; ')}`);
    lab.attend();
    if (!wasStopped && lab.unsettled().length === 0 && service.lines.some((line) => line.includes('"url"'))) {
      wasStopped = true;
      process.kill(service.pid, 'SIGTERM');
    }
  }
  const code = await service.ended();
  if (code !== null) expect(code).toBe(0);
  const said = service.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const counts = (said.find((line) => 'counts' in line)?.['counts'] ?? null) as BoundaryCounts | null;
  const stageAfterMs = said.find((line) => 'stageAfterMs' in line)?.['stageAfterMs'];
  return { killed: code === null, stageAfterMs: typeof stageAfterMs === 'number' ? stageAfterMs : null, counts };
}

interface Series {
  readonly done: readonly Kill[];
  /** Those that came too late. */
  readonly missed: readonly Kill[];
  readonly goneOnAfterMs: readonly number[];
}

/** It lives on while the service is killed. */
async function startHost(): Promise<GitHub> {
  const github = await startGitHub();
  onTestFinished(() => github.stop());
  return github;
}

/** Kills the service of one lab again and again, lets it end, and looks at what it came to. */
async function runSeries(name: string, planned: readonly Kill[], isHosted: boolean): Promise<Series> {
  const lab = makeServiceLab(join(folder, name), isHosted ? await startHost() : null);
  const done: Kill[] = [];
  const goneOnAfterMs: number[] = [];
  let missed: readonly Kill[] = [];
  try {
    for (let index = 0; index <= planned.length; index++) {
      const kill = planned[index] ?? null;
      const life = await live(lab, kill);
      if (index > 0 && life.stageAfterMs !== null) goneOnAfterMs.push(life.stageAfterMs);
      expectSoundNotes(lab);
      if (!life.killed) {
        missed = planned.slice(index);
        break;
      }
      if (kill !== null) done.push(kill);
    }
    expectSoundEnd(lab);
  } catch (thrown) {
    const story = [...(isHosted ? [hosted] : []), ...planned.slice(0, done.length + 1).map(formatKill)].join(' ');
    throw new Error(`Seed ${seed}, ${name}: repeat it with OPUS_SERVICE_REPLAY="${story}"`, { cause: thrown });
  }
  rmSync(lab.folder, { recursive: true, force: true });
  return { done, missed, goneOnAfterMs };
}

/** What the jobs were too fast for is tried again at half of it, so that it falls into them at last. */
const sooner = (kill: Kill): Kill =>
  'afterMs' in kill ? { afterMs: Math.ceil(kill.afterMs / 2) } : { ...kill, number: Math.ceil(kill.number / 2) };

/** How often each boundary is passed, and how long all takes, here and now. */
async function measureUnharmed(): Promise<{ readonly wholeMs: number; readonly counts: BoundaryCounts }> {
  const lab = makeServiceLab(join(folder, 'unharmed'));
  const began = performance.now();
  const { counts } = await live(lab, null);
  const wholeMs = performance.now() - began;
  expectSoundEnd(lab);
  rmSync(lab.folder, { recursive: true, force: true });
  if (counts === null) throw new Error('The unharmed service did not tell its boundaries.');
  for (const kind of boundaryKinds) expect([kind, counts[kind]]).not.toEqual([kind, 0]);
  return { wholeMs, counts };
}

function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Endless: each kind of boundary and phase in turn, and times at random, all through the work that a life gets done. */
function* plan(random: () => number, wholeMs: number, counts: BoundaryCounts): Generator<Kill, never> {
  for (let index = 0, pair = 0; ; index++) {
    const part = (2 * random()) / killsASeries;
    const aimed = pairs[pair % pairs.length];
    if (index % everyRandom === 0 || !aimed) yield { afterMs: Math.round(wholeMs * (0.1 + part)) };
    else {
      pair++;
      yield { ...aimed, number: Math.max(1, Math.round(part * counts[aimed.kind])) };
    }
  }
}

function tableOf(done: readonly Kill[]): string {
  const hits = (kill: (candidate: Kill) => boolean): number => done.filter(kill).length;
  const rows = boundaryKinds.map((kind) => {
    const cells = phasesOf(kind).map(
      (phase) => `${phase} ${hits((kill) => 'kind' in kill && kill.kind === kind && kill.phase === phase)}`,
    );
    return `  ${kind.padEnd(9)}${cells.join(', ')}`;
  });
  return [...rows, `  at random ${hits((kill) => 'afterMs' in kill)}`].join('\n');
}

it.runIf(replay !== undefined)(
  'the kills of OPUS_SERVICE_REPLAY repeat nothing and lose nothing',
  async () => {
    const words = (replay ?? '').split(/\s+/).filter((text) => text !== '');
    const planned = words.filter((word) => word !== hosted).map(parseKill);
    const { done } = await runSeries('replay', planned, words.includes(hosted));
    expect(done.length).toBeGreaterThan(0);
  },
  600_000,
);

it.skipIf(replay !== undefined)(
  `a service with several jobs that is killed ${kills} times without warning (seed ${seed}) repeats nothing and loses nothing`,
  async () => {
    const { wholeMs, counts } = await measureUnharmed();
    const next = plan(randomFrom(seed), wholeMs, counts);
    const done: Kill[] = [];
    const goneOnAfterMs: number[] = [];
    let waiting: Kill[] = [];
    for (let series = 0; done.length < kills; series++) {
      expect(series, 'most series end before their kills').toBeLessThan(kills);
      while (waiting.length < killsASeries) waiting.push(next.next().value);
      const outcome = await runSeries(`series-${series}`, waiting, series % everyHosted === 1);
      done.push(...outcome.done);
      goneOnAfterMs.push(...outcome.goneOnAfterMs);
      waiting = outcome.missed.map(sooner);
    }
    goneOnAfterMs.sort((left, right) => left - right);
    const middle = goneOnAfterMs[Math.floor(goneOnAfterMs.length / 2)] ?? Infinity;
    const longest = goneOnAfterMs.at(-1) ?? Infinity;
    console.log(
      `${done.length} kills (seed ${seed}):\n${tableOf(done)}\nfrom the start to the next stage ${middle.toFixed()} ms, at most ${longest.toFixed()} ms`,
    );
    for (const { kind } of pairs) expect(tableOf(done)).toMatch(new RegExp(`^  ${kind} .* [1-9]`, 'm'));
    expect(longest).toBeLessThan(goesOnWithinMs);
  },
  1_800_000,
);
