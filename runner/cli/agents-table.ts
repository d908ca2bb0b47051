import type { AgentFinding } from '../compose-agents.ts';
import { plainLine } from './plain-text.ts';
import { inThisInstallation } from './program-name.ts';
import { tableLines, type Cell, type Paint } from './tables.ts';
import type { Terminal } from './terminal.ts';

/** Those that work by themselves, those that a request may name, and the CLIs that no note is about. */
export function showAgents(
  terminal: Terminal,
  findings: readonly AgentFinding[],
  command: (words: string) => string,
): void {
  const inUse = findings.filter(({ note, onlyNamed }) => note !== null && !onlyNamed);
  const byName = findings.filter(({ note, onlyNamed }) => note !== null && onlyNamed);
  const unused = findings.filter(({ note }) => note === null);
  const sections: (readonly [string, string[]])[] = [];
  if (inUse.length > 0) {
    const rows = inUse.map((agent): Cell[] => [agent.name, agent.stages.join(', '), ...needs(terminal, agent)]);
    sections.push(['In use', tableLines(terminal, ['AGENT', 'STAGES', 'PROGRAM', 'SIGNED IN', ''], rows)]);
  }
  if (byName.length > 0) {
    const rows = byName.map((agent): Cell[] => [agent.name, ...needs(terminal, agent)]);
    const title = 'For requests whose note says "agent: NAME"';
    sections.push([title, tableLines(terminal, ['NAME', 'PROGRAM', 'SIGNED IN', ''], rows)]);
  }
  if (unused.length > 0) {
    const rows = unused.map((agent): Cell[] => [
      agent.name,
      programCell(terminal, agent),
      [agent.installed?.path ?? '', painted(terminal, 'dim')],
    ]);
    sections.push(['Without a note', tableLines(terminal, ['NAME', 'PROGRAM', ''], rows)]);
  }
  for (const [index, [title, lines]] of sections.entries()) {
    if (index > 0) terminal.out('');
    if (sections.length > 1) terminal.out(terminal.paint('out', 'bold', title));
    for (const line of lines) terminal.out(line);
  }
  showProblems(terminal, findings, command);
}

function painted(terminal: Terminal, colour: 'red' | 'yellow' | 'green' | 'dim'): Paint {
  return (text) => terminal.paint('out', colour, text);
}

/** Program, access and whether the note is in force. */
function needs(terminal: Terminal, agent: AgentFinding): Cell[] {
  const { state } = agent;
  const force: Cell =
    state === null || state === 'confirmed'
      ? ''
      : [state === 'new' ? 'not confirmed' : state, painted(terminal, 'yellow')];
  return [programCell(terminal, agent), accessCell(terminal, agent), force];
}

function programCell(terminal: Terminal, agent: AgentFinding): Cell {
  const { name, kind, installed, olderThan, onlyNamed, note } = agent;
  if (kind === null) return '';
  if (kind === 'llm') return 'built in';
  const who = kind === name ? '' : `${kind} `;
  if (installed === null) {
    const isMissed = note !== null && !onlyNamed && agent.problem?.what === 'program';
    return [`${who}not here`, painted(terminal, isMissed ? 'red' : 'dim')];
  }
  const version = installed.version ?? (kind === 'command' || kind === 'acp' ? '' : 'of some version');
  const text = `${who}${version}`.trim();
  return olderThan === null ? text : [`${text}, old`, painted(terminal, 'yellow')];
}

function accessCell(terminal: Terminal, { signedIn, how, problem, onlyNamed, profile }: AgentFinding): Cell {
  if (problem?.what === 'note') return ['its note cannot be read', painted(terminal, 'red')];
  if (signedIn === null) return [how, painted(terminal, 'dim')];
  if (!signedIn) return [how, painted(terminal, onlyNamed ? 'dim' : 'red')];
  // A login that the agent holds itself is weaker than one that it never sees.
  return [how, painted(terminal, (profile?.credentials ?? []).length > 0 ? 'yellow' : 'green')];
}

function showProblems(terminal: Terminal, findings: readonly AgentFinding[], command: (words: string) => string): void {
  const said = new Map<string, { readonly names: string[]; readonly hint: string }>();
  const say = (name: string, message: string, hint: string): void => {
    const known = said.get(message);
    if (known) known.names.push(name);
    else said.set(message, { names: [name], hint });
  };
  for (const { name, note, onlyNamed, installed, problem, olderThan, state, profile } of findings) {
    if (note === null) continue;
    // What is not installed and not at work needs no word.
    if (
      problem !== null &&
      (!onlyNamed || (problem.what !== 'program' && (installed !== null || profile?.driver === 'llm')))
    )
      say(name, problem.message, problem.hint);
    if (olderThan !== null) say(name, `It is older than ${olderThan}, which is known to work.`, 'Update it.');
    if (state === 'new' || state === 'changed') say(name, 'What its note says now is not in force.', command('trust'));
  }
  if (said.size > 0) terminal.out('');
  for (const [message, { names, hint }] of said) {
    terminal.out(`${terminal.paint('out', 'yellow', '!')} ${names.join(', ')}: ${plainLine(message, 500)}`);
    if (hint !== '') {
      terminal.out(`  ${terminal.paint('out', 'cyan', '→')} ${plainLine(inThisInstallation(hint, terminal), 500)}`);
    }
  }
}
