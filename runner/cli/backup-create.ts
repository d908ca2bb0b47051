import type { CommonOptions } from './command-context.ts';
import { backupDocument, locateBackups, shownSize } from './backup-document.ts';
import { printJson, type Terminal } from './terminal.ts';

export async function createBackup(terminal: Terminal, options: CommonOptions): Promise<number> {
  const { backups } = locateBackups(terminal, options.config);
  const made = await backups.create('asked');
  const removed = backups.prune();
  if (options.json === true) {
    printJson(terminal, backupDocument(made));
    return 0;
  }
  terminal.out(`${made.path}  ${terminal.paint('out', 'dim', shownSize(made.bytes))}`);
  if (removed.length > 0) {
    terminal.out(`${removed.length === 1 ? 'The oldest was' : `The oldest ${removed.length} were`} removed.`);
  }
  return 0;
}
