import { execFileSync } from 'node:child_process';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { isHeld, ratioOf, type Row } from './measure.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly kernel: string;
  readonly node: string;
  readonly git: string;
  readonly bubblewrap: string;
  readonly date: string;
}

export function machine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGB: Math.round(totalmem() / 1024 ** 3),
    kernel: `${type()} ${release()} ${arch()}`,
    node: process.versions.node,
    git: versionOf('git'),
    bubblewrap: versionOf('bwrap'),
    date: new Date().toISOString().slice(0, 10),
  };
}

function versionOf(program: string): string {
  try {
    return /\d+(\.\d+)+/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[0] ?? 'unknown';
  } catch {
    return 'not installed';
  }
}

const titles = ['what', 'measured', 'reference', 'ratio', 'limit', 'held'] as const;

/** The rows as cells of text, in the order of the titles. */
function cells(row: Row): string[] {
  const ratio = ratioOf(row);
  const limit = row.limit === null ? '–' : row.limit.of === 'ratio' ? `${row.limit.at} ×` : amount(row.limit.at, row);
  return [
    row.note === undefined ? row.what : `${row.what} (${row.note})`,
    amount(row.measured, row),
    row.reference === null ? '–' : `${row.reference.name}: ${amount(row.reference.value, row)}`,
    ratio === null ? '–' : `${ratio.toFixed(2)} ×`,
    limit,
    row.limit === null ? '–' : isHeld(row) ? 'yes' : 'NO',
  ];
}

function amount(value: number, row: Row): string {
  const digits = value >= 100 ? 0 : value >= 1 ? 1 : 3;
  return `${value.toFixed(digits)} ${row.unit}`;
}

/** For a terminal, or as it stands in a Markdown file. */
export function table(rows: readonly Row[]): string {
  return aligned([titles, ...rows.map(cells)]);
}

function aligned(lines: readonly (readonly string[])[]): string {
  const columns = (lines[0] ?? []).map((_title, column) => column);
  const widths = columns.map((column) => Math.max(3, ...lines.map((line) => (line[column] ?? '').length)));
  const drawn = lines.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [drawn[0], rule, ...drawn.slice(1)].join('\n');
}

export function document(rows: readonly Row[], where: Machine, load: number): string {
  return `# Benchmarks

Written by \`npm run bench\`; the numbers are of the machine below and change with it, the ratios hardly do. Each ratio is
of medians, measured in turns (A B A B …) in one run. A broken limit is measured once more before it counts.

${table(rows)}

${aligned([
  ['machine', ''],
  ['processor', `${where.cpu}, ${where.cores} cores, ${where.memoryGB} GB`],
  ['kernel', where.kernel],
  ['Node', where.node],
  ['git', where.git],
  ['bubblewrap', where.bubblewrap],
  ['date', where.date],
  ['load at the end', load.toFixed(1)],
])}

- **Whole job**: dispatch, plan, code, test, review, pull request, approval and merge, by agents that are shell scripts
  of one line. The script beside it, \`test/bench/reference-job.sh\`, makes the same checkouts, runs the same sandboxes
  with the same arguments, and commits, pushes and merges, without a runner, a registry or a vault.
- **Restart**: the whole process of \`opus run\`, from its start to the stage in which it was killed.
- **\`opus status\`**: the bundled program through its real \`bin\`.
`;
}
