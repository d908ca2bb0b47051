import { OpusError } from '#shared/domain/errors.ts';
import { join, relative } from 'node:path';
import { printJson, type Terminal } from './terminal.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

/** Writes a new note with the next free id. */
export async function newFeatureRequest(terminal: Terminal, title: string, options: ReadOptions): Promise<number> {
  if (title.trim() === '') {
    throw new OpusError('config.usage', 'A feature request needs a title.', { hint: 'opus fr new "Dark mode"' });
  }
  return await withReader(terminal, options, async (reader, located) => {
    const { id, path } = await reader.createFeatureRequest(title.trim());
    if (options.json === true) {
      printJson(terminal, { id, path });
      return 0;
    }
    const file = join(located.config.vault.path, path);
    const way = relative(terminal.cwd, file);
    terminal.out(`Wrote ${id}: ${way.startsWith('..') ? file : way}`);
    terminal.out(
      `Say in it what is wanted; then "status: planned" for the service, or: ${located.command(`run ${id}`)}`,
    );
    return 0;
  });
}
