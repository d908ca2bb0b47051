import type { CommonOptions } from './command-context.ts';
import { backupDocument, locateBackups, shownSize, shownTime } from './backup-document.ts';
import { tableLines } from './tables.ts';
import { printJson, type Terminal } from './terminal.ts';

/** Every backup, newest first. Whether one is undamaged is found out when it is restored. */
export function listBackups(terminal: Terminal, options: CommonOptions): number {
  const { backups, located } = locateBackups(terminal, options.config);
  const found = backups.list();
  if (options.json === true) printJson(terminal, found.map(backupDocument));
  else if (found.length === 0) {
    terminal.out(`There are no backups yet. Make one with: ${located.command('backup create')}`);
  } else {
    const rows = found.map(({ name, at, bytes, reason, schema, version }) => [
      name,
      shownTime(at),
      shownSize(bytes),
      reason,
      `${schema}`,
      version,
    ]);
    for (const line of tableLines(terminal, ['name', 'made', 'size', 'why', 'schema', 'by opus'], rows)) {
      terminal.out(line);
    }
  }
  return 0;
}
