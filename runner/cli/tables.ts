import { plainLine } from './plain-text.ts';
import type { Terminal } from './terminal.ts';

export type Paint = (text: string) => string;
/** A cell's text, and a colour that does not count for its width. */
export type Cell = string | readonly [text: string, paint: Paint];

/** Aligned columns two spaces apart, under a dim head. Columns that are empty in every row are left out. */
export function tableLines(terminal: Terminal, head: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const kept = head.map((_, column) => column).filter((column) => rows.some((row) => textOf(row[column]) !== ''));
  const widths = kept.map((column) =>
    Math.max(head[column]?.length ?? 0, ...rows.map((row) => textOf(row[column]).length)),
  );
  const line = (cells: readonly (Cell | undefined)[]): string =>
    kept
      .map((column, at) => {
        const cell = cells[column];
        const text = textOf(cell);
        const gap = at === kept.length - 1 ? '' : ' '.repeat((widths[at] ?? 0) - text.length + 2);
        return `${typeof cell === 'object' ? cell[1](text) : text}${gap}`;
      })
      .join('')
      .trimEnd();
  const dim: Paint = (text) => terminal.paint('out', 'dim', text);
  return [line(head.map((title) => [title, dim])), ...rows.map(line)];
}

function textOf(cell: Cell | undefined): string {
  if (cell === undefined) return '';
  return plainLine(typeof cell === 'string' ? cell : cell[0]);
}
