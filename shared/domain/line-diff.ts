const context = 2;
const longest = 2_000;

/** What changed between two small texts: lines with ` `, `-` or `+` before them, `…` where equal lines are left out. */
export function diffLines(before: string, after: string): string[] {
  const left = linesOf(before);
  const right = linesOf(after);
  if (left.length > longest || right.length > longest) {
    return [...left.map((line) => `-${line}`), ...right.map((line) => `+${line}`)];
  }
  const marked = alignedLines(left, right);
  const near = marked.map((_, at) =>
    marked.slice(Math.max(0, at - context), at + context + 1).some((line) => !line.startsWith(' ')),
  );
  return marked.flatMap((line, at) => {
    if (near[at] === true) return [line];
    return at === 0 || near[at - 1] === true ? ['…'] : [];
  });
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** By the longest common subsequence; the table counts from the ends. */
function alignedLines(left: readonly string[], right: readonly string[]): string[] {
  const width = right.length + 1;
  const common = new Uint16Array((left.length + 1) * width);
  const at = (row: number, column: number): number => common[row * width + column] ?? 0;
  for (let row = left.length - 1; row >= 0; row -= 1) {
    for (let column = right.length - 1; column >= 0; column -= 1) {
      common[row * width + column] =
        left[row] === right[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const marked: string[] = [];
  let row = 0;
  let column = 0;
  while (row < left.length || column < right.length) {
    if (row < left.length && column < right.length && left[row] === right[column]) {
      marked.push(` ${left[row] ?? ''}`);
      row += 1;
      column += 1;
    } else if (column >= right.length || (row < left.length && at(row + 1, column) >= at(row, column + 1))) {
      marked.push(`-${left[row] ?? ''}`);
      row += 1;
    } else {
      marked.push(`+${right[column] ?? ''}`);
      column += 1;
    }
  }
  return marked;
}
