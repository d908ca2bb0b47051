import { plainLine } from './plain-text.ts';
import { printJson, type Terminal } from './terminal.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

interface Finding {
  readonly path: string;
  readonly line: number;
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Every feature request, agent note and policy: what is wrong, where, and what to write instead. */
export async function validate(terminal: Terminal, options: ReadOptions): Promise<number> {
  return await withReader(terminal, options, async (reader) => {
    const featureRequests = await reader.featureRequests();
    const codeNotes = (await (await reader.trust()).changes()).filter((note) => note.state !== 'gone');
    const findings: Finding[] = [
      ...featureRequests.flatMap(({ path, problems }) => problems.map((problem) => ({ path, ...problem }))),
      ...codeNotes.flatMap(({ path, kind, problems }) =>
        problems.map((problem) => ({ path, severity: 'error' as const, code: `${kind}.invalid`, ...problem })),
      ),
    ];
    const errors = findings.filter((finding) => finding.severity === 'error').length;
    const checked = featureRequests.length + codeNotes.length;
    if (options.json === true)
      printJson(terminal, { checked, errors, warnings: findings.length - errors, problems: findings });
    else printFindings(terminal, findings, checked, errors);
    return errors > 0 ? 2 : 0;
  });
}

function printFindings(terminal: Terminal, findings: readonly Finding[], checked: number, errors: number): void {
  for (const finding of findings) {
    const severity = terminal.paint('out', finding.severity === 'error' ? 'red' : 'yellow', finding.severity);
    terminal.out(`${finding.path}:${finding.line}: ${severity}: ${plainLine(finding.message, 1_000)}`);
    terminal.out(`    ${plainLine(finding.hint, 1_000)}`);
  }
  const counted = `${checked} ${checked === 1 ? 'note' : 'notes'}`;
  const warnings = findings.length - errors;
  if (findings.length === 0) terminal.out(`${counted}: nothing is wrong.`);
  else terminal.out(`\n${counted}: ${count(errors, 'error')}, ${count(warnings, 'warning')}.`);
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
