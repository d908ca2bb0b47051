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

export function aligned(lines: readonly (readonly string[])[]): string {
  const columns = (lines[0] ?? []).map((_title, column) => column);
  const widths = columns.map((column) => Math.max(3, ...lines.map((line) => (line[column] ?? '').length)));
  const drawn = lines.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [drawn[0], rule, ...drawn.slice(1)].join('\n');
}

export const soakHeading = '## Soak';

export function machineTable(where: Machine): string {
  return aligned([
    ['machine', ''],
    ['processor', `${where.cpu}, ${where.cores} cores, ${where.memoryGB} GB`],
    ['kernel', where.kernel],
    ['Node', where.node],
    ['git', where.git],
    ['bubblewrap', where.bubblewrap],
    ['date', where.date],
  ]);
}

/** `load` is that of the machine at the start and at the end; `soak` the section of another run, kept as it is. */
export function document(rows: readonly Row[], where: Machine, load: readonly [number, number], soak: string): string {
  return `# Benchmarks

Written by \`npm run bench\`; the numbers are of the machine below and change with it, the ratios hardly do. Each ratio is
of medians, measured in turns (A B A B …) in one run. A broken limit is measured once more before it counts. The load of
the machine was ${load[0].toFixed(1)} at the start and ${load[1].toFixed(1)} at the end, of ${where.cores} cores.

${table(rows)}

${machineTable(where)}

How each was taken; the service is always \`opus serve\` as the package has it, in a process of its own, watched through
\`/proc\` and by reading its registry, so that looking costs it nothing:

- **Whole job**: dispatch, plan, code, test, review, pull request, approval and merge, by agents that are shell scripts
  of one line. The script beside it, \`test/bench/reference-job.sh\`, makes the same checkouts, runs the same sandboxes
  with the same arguments, and commits, pushes and merges, without a runner, a registry or a vault.
- **Scans and properties**: the vault's adapter in this process, notes of up to 3.6 kB.
- **Restart**: the whole process, from its start to the stage in which it was killed: \`opus run\` by what it says, the
  service by the agent's own word of when it began. Median of three kills.
- **Note saved → agent started**: an editor's write of \`status: planned\` to the first line of the agent's script, which
  says the time; includes the fetch, the checkout and the sandbox. 40 saves, each once the job before rests at its gate.
  With 100 queued jobs: they ask for an agent that may work once at a time, and the saved notes for another one.
- **Rapid edits**: titles of 50 notes in turn, each read, changed and written as it is found; the service has queued jobs of ten
  of them and tells their notes so at the same time. Lost is what the note, the service or a job's row does not have at the end.
- **Idle**: 10 s after its start, over 30 s: user and system time of the process; the median of its resident memory, of which
  the program file of Node, shared with any other, is about 60 MB. Notes are of up to 2.7 kB where there are 10,000.
- **One of 10,000 edited**: until the job's row has the new title of its note. Median of 20.
- **Ten agents**: each prints a line every 100 ms for 20 s; over 15 s of them.
- **Clients × events**: the server with the real registry and boards' jobs in a process of its own, one transaction an event, of
  100 jobs in turn; the clients in another process, which parses all that they are told. From the transaction's beginning to
  the parsed event, over 6 s, both by the machine's clock. The one that does not read has its socket paused.
- **\`opus status\`**: the bundled program through its real \`bin\`.
- **Agents' CLIs**: the real ones of \`.cache/agents\`, and a script of Node in the place of one, with the same arguments,
  before scripted models: whole processes, each in a HOME made for it. In the sandbox they are as the runner's driver runs
  them. The stream is written as fast as it is taken; client, gateway and models are in one process.
${soak === '' ? '' : `\n${soak}`}`;
}
