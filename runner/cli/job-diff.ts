import { colouredDiff } from './coloured-diff.ts';
import { printJson, type Terminal } from './terminal.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

/** The change, as git writes it; coloured on a terminal, untouched in a pipe. */
export async function jobDiff(terminal: Terminal, name: string, options: ReadOptions): Promise<number> {
  return await withReader(terminal, options, async (reader) => {
    const { text, stat } = await reader.diff(name);
    if (options.json === true) printJson(terminal, { ...stat, text });
    else if (terminal.outIsTerminal) for (const line of colouredDiff(terminal, text)) terminal.out(line);
    else terminal.out(text.replace(/\n$/, ''));
    return 0;
  });
}
