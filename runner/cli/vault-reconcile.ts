import { composeReconcile } from '../compose-reconcile.ts';
import { keeps, type Keep } from '../core/reconcile/conflict-regions.ts';
import type { Finding, FindingCode, Outcome } from '../core/reconcile/finding.ts';
import { findDamage, settleDamage, type Choice } from '../engine/reconcile.ts';
import { ask, confirm } from './ask.ts';
import { locateConfig, type LocatedConfig } from './configuration.ts';
import { plainLine } from './plain-text.ts';
import { inThisInstallation } from './program-name.ts';
import { besideJson, printJson, type Terminal } from './terminal.ts';
import { workingProcess } from './working-process.ts';

export interface ReconcileOptions {
  readonly keep?: Keep;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

type Outcomes = ReadonlyMap<Finding, Outcome>;

/** Shows what synchronisation left in the vault, and settles what a person says. 3 while something is left to settle. */
export async function reconcile(terminal: Terminal, options: ReconcileOptions): Promise<number> {
  const located = locateConfig(terminal, options.config);
  const json = options.json === true;
  const beside = besideJson(terminal, json);
  const dependencies = composeReconcile(located.config);
  try {
    const findings = await findDamage(dependencies);
    if (!json) for (const finding of findings) for (const line of findingLines(terminal, finding)) terminal.out(line);
    if (findings.length === 0) beside.out('Nothing to settle: no copies, no conflict markers, no clashes.');
    else beside.out(`${json ? '' : '\n'}${summaryOf(findings)}`);
    const choices = await choicesOf(terminal, findings, options);
    const outcomes = await settleDamage(dependencies, choices);
    const left = findings.filter((finding) => !isOver(outcomes.get(finding)));
    for (const line of outcomeLines(beside, findings, outcomes)) beside.out(line);
    if (choices.length > 0) beside.out(`\n${findings.length - left.length} settled, ${left.length} left.`);
    for (const line of nextLines(left, located, options)) beside.out(line);
    const pid = workingProcess(located.config.data);
    if (pid !== null && findings.some(({ code }) => code === 'status.clash')) {
      terminal.err(`A runner is working (pid ${pid}): notes were looked at and written, its registry was not changed.`);
    }
    if (json) printJson(terminal, documentOf(findings, outcomes, left.length));
    return left.length > 0 ? 3 : 0;
  } finally {
    dependencies.close();
  }
}

/** What is to be settled and how: by the options, or by asking where somebody can answer. */
async function choicesOf(
  terminal: Terminal,
  findings: readonly Finding[],
  { keep, yes = false, json = false }: ReconcileOptions,
): Promise<Choice[]> {
  const simple = findings.filter(({ settles }) => settles === 'yes').map((finding) => ({ finding, keep: null }));
  const open = findings.filter(({ settles }) => settles === 'choice');
  const chosen = open.flatMap((finding) =>
    keep !== undefined && finding.choices.includes(keep) ? [{ finding, keep }] : [],
  );
  if (yes) return [...simple, ...chosen];
  if (json || !terminal.canAsk) return [];
  const choices: Choice[] = [];
  if (simple.length > 0 && (await confirm(terminal, `Settle ${counted(simple.length)} without a choice?`))) {
    choices.push(...simple);
  }
  if (keep !== undefined) {
    if (chosen.length > 0 && (await confirm(terminal, `Keep "${keep}" in ${counted(chosen.length)}?`))) {
      choices.push(...chosen);
    }
    return choices;
  }
  for (const finding of open) {
    const answer = await ask(
      terminal,
      `${placeOf(finding)}: keep ${finding.choices.join(', ')}, or leave it?`,
      'leave',
    );
    const kept = finding.choices.find((choice) => choice === answer.toLowerCase());
    if (kept !== undefined) choices.push({ finding, keep: kept });
  }
  return choices;
}

const kinds: Readonly<Record<FindingCode, string>> = {
  'copy.identical': 'copy',
  'copy.nothing-new': 'copy',
  'copy.adds': 'copy',
  'copy.differs': 'copy',
  'copy.no-original': 'copy',
  'copy.unreadable': 'copy',
  'markers.region': 'conflict',
  'markers.broken': 'conflict',
  'id.duplicate': 'same id',
  'status.clash': 'clash',
};

export function findingLines(terminal: Terminal, finding: Finding): string[] {
  const { code, message, hint, settles, versions } = finding;
  const kind = terminal.paint('out', settles === 'by-hand' ? 'red' : 'yellow', kinds[code]);
  const lines = [
    `${terminal.paint('out', 'bold', placeOf(finding))}: ${kind}: ${plainLine(message, 1_000)} ${terminal.paint('out', 'dim', `(${code})`)}`,
  ];
  for (const side of ['ours', 'theirs'] as const) {
    if (versions) lines.push(...versionLines(terminal, side, versions[side]));
  }
  return [...lines, `    ${plainLine(inThisInstallation(hint, terminal), 1_000)}`];
}

const shownLines = 4;

function versionLines(terminal: Terminal, side: 'ours' | 'theirs', text: string): string[] {
  const lines = text.replace(/\r?\n$/, '').split('\n');
  const shown = text === '' ? ['(nothing)'] : lines.slice(0, shownLines).map((line) => plainLine(line, 100));
  if (lines.length > shownLines) shown.push(`… ${lines.length - shownLines} more`);
  const colour = side === 'ours' ? 'green' : 'blue';
  return shown.map((line, at) => {
    const label = terminal.paint('out', colour, (at === 0 ? side : '').padEnd(6));
    return `    ${label} ${terminal.paint('out', 'dim', '│')} ${line}`.trimEnd();
  });
}

function placeOf({ path, line }: Finding): string {
  return plainLine(line === null ? path : `${path}:${line}`, 1_000);
}

function summaryOf(findings: readonly Finding[]): string {
  const words = { yes: 'without a choice', choice: 'by a choice', 'by-hand': 'only by hand' } as const;
  const parts = (['yes', 'choice', 'by-hand'] as const).flatMap((settles) => {
    const count = findings.filter((finding) => finding.settles === settles).length;
    return count === 0 ? [] : [`${count} ${words[settles]}`];
  });
  return `${counted(findings.length)} to settle: ${parts.join(', ')}.`;
}

function counted(count: number): string {
  return count === 1 ? '1 thing' : `${count} things`;
}

function isOver(outcome: Outcome | undefined): boolean {
  return outcome?.kind === 'settled' || outcome?.kind === 'left-to-runner';
}

/** Each sentence once: several places of one note are settled together. */
function outcomeLines(terminal: Terminal, findings: readonly Finding[], outcomes: Outcomes): string[] {
  const lines = findings.flatMap((finding) => {
    const outcome = outcomes.get(finding);
    if (!outcome) return [];
    const [word, colour] = isOver(outcome) ? (['settled', 'green'] as const) : (['left', 'yellow'] as const);
    return [`${terminal.paint('out', colour, word.padEnd(7))}  ${plainLine(outcome.what, 1_000)}`];
  });
  return lines.length === 0 ? [] : ['', ...new Set(lines)];
}

/** The commands that settle what is left, where there are any. */
function nextLines(left: readonly Finding[], located: LocatedConfig, { keep }: ReconcileOptions): string[] {
  const lines: string[] = [];
  const has = (settles: Finding['settles']): boolean => left.some((finding) => finding.settles === settles);
  if (has('yes')) lines.push(`Settle what needs no choice: ${located.command('vault reconcile --yes')}`);
  const choices = keeps.filter((one) => left.some((finding) => finding.choices.includes(one)));
  if (choices.length > 0) {
    const refused = keep !== undefined && !choices.includes(keep) ? ` ("${keep}" is none there)` : '';
    lines.push(`Settle by a choice${refused}: ${located.command(`vault reconcile --keep ${choices.join('|')} --yes`)}`);
  }
  return lines;
}

function documentOf(findings: readonly Finding[], outcomes: Outcomes, left: number): unknown {
  return {
    findings: findings.map((finding) => {
      const { settlement: _settlement, ...shown } = finding;
      return { ...shown, outcome: outcomes.get(finding) ?? null };
    }),
    settled: findings.length - left,
    left,
  };
}
