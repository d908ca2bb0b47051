import type { RunnerParts } from './compose-parts.ts';
import type { MaintenanceTask } from './engine/maintenance.ts';

const hourMs = 3_600_000;

/** What the service does again and again beside its jobs. */
export function serviceTasks(parts: RunnerParts): MaintenanceTask[] {
  const { backups, dependencies } = parts;
  const { clock } = dependencies;
  const newest = backups.list().find(({ reason }) => reason !== 'migration');
  const age = newest === undefined ? Infinity : Math.max(0, clock.now() - newest.at);
  return [
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
      everyMs: () => hourMs,
      firstMs: hourMs / 2,
      run() {
        dependencies.registry.prune(clock.now() - 24 * hourMs);
        return [];
      },
    },
  ];
}
