type Change = { readonly from: number; readonly to: number; readonly lines: readonly string[] };

/**
 * What becomes of a text that is being edited when its file was changed from elsewhere: both changes, by lines. Where
 * both changed the same lines, those of the editor stay, as its owner looks at them.
 */
export function mergeThreeWay(base: string, edited: string, stored: string): string {
  const lines = split(base);
  const own = changesOf(lines, split(edited));
  const foreign = changesOf(lines, split(stored)).filter(
    (change) => !own.some((other) => change.from <= other.to && other.from <= change.to && !isBeside(change, other)),
  );
  const merged = [...lines];
  for (const { from, to, lines: put } of [...own, ...foreign].sort(
    (left, right) => right.from - left.from || right.to - left.to,
  ))
    merged.splice(from, to - from, ...put);
  return merged.join('');
}

function isBeside(left: Change, right: Change): boolean {
  const isEmpty = left.from === left.to && right.from === right.to;
  return !isEmpty && (left.to === right.from || right.to === left.from);
}

const split = (text: string): string[] => text.split(/(?<=\n)/);

/** The longest common run of lines decides; notes are short. */
function changesOf(before: readonly string[], after: readonly string[]): Change[] {
  const common = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  const at = (row: number, column: number): number => common[row]?.[column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1)
    for (let column = after.length - 1; column >= 0; column -= 1) {
      const length =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
      common[row]?.splice(column, 1, length);
    }
  const changes: Change[] = [];
  let [row, column] = [0, 0];
  let open: { from: number; lines: string[] } | null = null;
  while (row < before.length || column < after.length) {
    if (row < before.length && column < after.length && before[row] === after[column]) {
      if (open) changes.push({ ...open, to: row });
      open = null;
      row += 1;
      column += 1;
      continue;
    }
    open ??= { from: row, lines: [] };
    if (column < after.length && (row === before.length || at(row, column + 1) >= at(row + 1, column)))
      open.lines.push(after[column++] ?? '');
    else row += 1;
  }
  if (open) changes.push({ ...open, to: row });
  return changes;
}
