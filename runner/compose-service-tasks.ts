import { createArchive } from './adapters/files/archive.ts';
import { pruneLogs } from './adapters/files/log-retention.ts';
import { createStrayWatch, sandboxName } from './adapters/sandbox/orphans.ts';
import type { RunnerParts } from './compose-parts.ts';
import { createHistory } from './engine/housekeeping/history.ts';
import { createLeftovers } from './engine/housekeeping/leftovers.ts';
import type { MaintenanceTask } from './engine/maintenance.ts';

const hourMs = 3_600_000;
/** Soon after the start, when the jobs that a runner before had begun go on already. */
const soonMs = 5_000;
const retellMs = 30_000;

/** What the service does again and again beside its jobs. */
export function serviceTasks(parts: RunnerParts): MaintenanceTask[] {
  const { backups, dependencies } = parts;
  const { clock, config, log } = dependencies;
  const upkeep = { dependencies, running: parts.runtime.running };
  const leftovers = createLeftovers(upkeep);
  const history = createHistory({
    ...upkeep,
    archive: createArchive(config.data),
    pruneLogs: (keepJobs, olderThan) => pruneLogs(config.data, { keepJobs, olderThan }),
  });
  const endStrays = process.platform === 'linux' ? createStrayWatch(sandboxName(config.data)) : () => 0;
  const newest = backups.list().find(({ reason }) => reason !== 'migration');
  const age = newest === undefined ? Infinity : Math.max(0, clock.now() - newest.at);
  /** What was settled is kept for a day, for whoever looks into it, and no longer than finished jobs are. */
  const keptMs = (): number => Math.min(24 * hourMs, Math.max(dependencies.config.history.keep, 60_000));
  return [
    {
      name: 'untold notes',
      everyMs: () => retellMs,
      firstMs: retellMs,
      // A device that was asked and fell asleep says nothing when it is awake again.
      async run() {
        if (parts.pluginVault !== null && dependencies.registry.outbox().length > 0) await parts.runtime.tell();
        return [];
      },
    },
    {
      name: 'backup',
      everyMs: () => dependencies.config.backup.every,
      // A runner that is restarted often backs up as often as one that is not.
      firstMs: Math.max(60_000, dependencies.config.backup.every - age),
      async run() {
        await backups.create('scheduled');
        backups.prune();
        return [];
      },
    },
    {
      name: 'pruning',
      everyMs: () => Math.min(hourMs, keptMs()),
      firstMs: Math.min(hourMs / 2, keptMs()),
      run() {
        const before = clock.now() - keptMs();
        dependencies.registry.prune(before);
        parts.runtime.engine.prune(before);
        return [];
      },
    },
    { name: 'leftovers', everyMs: () => hourMs, firstMs: soonMs, run: () => leftovers.clear() },
    {
      name: 'history',
      // Who keeps little does not want to wait for long until the rest is gone.
      everyMs: () => Math.min(6 * hourMs, Math.max(dependencies.config.history.keep, 12 * soonMs)),
      firstMs: 12 * soonMs,
      run: () => history.shorten(),
    },
    {
      name: 'sandboxes',
      everyMs: () => hourMs / 4,
      firstMs: hourMs / 4,
      run() {
        const ended = endStrays();
        if (ended > 0) log.warn({ ended }, 'Sandboxes without a run of their own were ended.');
        return [];
      },
    },
  ];
}
