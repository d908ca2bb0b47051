import type { FeatureRequest, NoteStatus } from '#shared/domain/feature-request.ts';
import {
  dependencyGraph,
  inBuildingOrder,
  mermaidLines,
  type DependencyGraph,
  type GraphNode,
} from '../core/dependency-graph.ts';
import type { LocatedConfig } from './configuration.ts';
import { plainLine } from './plain-text.ts';
import { tableLines, type Cell } from './tables.ts';
import { printJson, type Terminal } from './terminal.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

export interface GraphOptions extends ReadOptions {
  readonly mermaid?: boolean;
}

/** What depends on what. A circle is 2: nothing in it can ever start. */
export async function featureRequestGraph(terminal: Terminal, options: GraphOptions): Promise<number> {
  return await withReader(terminal, options, async (reader, located) => {
    const featureRequests = await reader.featureRequests();
    const graph = dependencyGraph(featureRequests);
    if (options.json === true) printJson(terminal, graph);
    else if (options.mermaid === true) for (const line of mermaidLines(graph)) terminal.out(line);
    else for (const line of graphLines(terminal, graph, featureRequests, located)) terminal.out(line);
    return graph.cycles.length > 0 ? 2 : 0;
  });
}

type Format = Parameters<Terminal['paint']>[1];

const statusFormats: Readonly<Partial<Record<NoteStatus, Format>>> = {
  'in-progress': 'blue',
  'in-review': 'blue',
  'needs-human': 'yellow',
  blocked: 'yellow',
};
const overStatuses: readonly (NoteStatus | null)[] = ['done', 'rejected', 'parked'];
const underWay: readonly (NoteStatus | null)[] = ['in-progress', 'in-review'];
const notBegun: readonly (NoteStatus | null)[] = ['idea', 'planned', 'blocked'];

/** The list in the order of building, then what can start, then every circle. */
export function graphLines(
  terminal: Terminal,
  graph: DependencyGraph,
  featureRequests: readonly FeatureRequest[],
  located: Pick<LocatedConfig, 'command'>,
): string[] {
  if (graph.nodes.length === 0) {
    return [`There are no feature requests yet. Write one with: ${located.command('fr new "Title"')}`];
  }
  const done = new Set(graph.nodes.filter(({ id, status }) => id !== '' && status === 'done').map(({ id }) => id));
  const rows = inBuildingOrder(graph).map((node) => rowOf(terminal, graph, node, done));
  const head = ['ID', 'STATUS', 'TITLE', 'DEPENDS ON', 'BLOCKS', 'NOTE'];
  const legend = [
    ...(graph.edges.some(({ to }) => done.has(to)) ? ['✓ is done'] : []),
    ...(graph.edges.some(({ source }) => source === 'body') ? ['* is said in the text of the note'] : []),
  ];
  const dim = (text: string): string => terminal.paint('out', 'dim', text);
  return [
    ...tableLines(terminal, head, rows),
    '',
    ...(legend.length > 0 ? [dim(legend.join('; '))] : []),
    ...(graph.edges.length === 0 ? ['No feature request depends on another.'] : []),
    ...summaryLines(graph, featureRequests, done, located),
    ...cycleLines(terminal, graph, featureRequests),
  ];
}

function rowOf(terminal: Terminal, graph: DependencyGraph, node: GraphNode, done: ReadonlySet<string>): Cell[] {
  const { id, status, title, path } = node;
  const isInCycle = graph.cycles.some((cycle) => cycle.includes(id));
  const isNamedTwice = graph.nodes.filter((other) => other.id === id).length > 1;
  const dependsOn = graph.edges
    .filter(({ from }) => from === id)
    .map(({ to, source }) => `${to}${source === 'body' ? '*' : ''}${done.has(to) ? ' ✓' : ''}`);
  const blocks = done.has(id)
    ? []
    : graph.edges.filter(({ from, to }) => to === id && !done.has(from)).map(({ from }) => from);
  const isOver = overStatuses.includes(status);
  const format: Format | null = isInCycle ? 'red' : isOver ? 'dim' : null;
  const cell = (text: string, own: Format | null = format): Cell =>
    own === null || text === '' ? text : [text, (painted) => terminal.paint('out', own, painted)];
  return [
    cell(id === '' ? '—' : id),
    cell(status ?? '—', isOver ? format : ((status && statusFormats[status]) ?? format)),
    cell(plainLine(title, 48)),
    cell(listOf(dependsOn)),
    cell(listOf(blocks)),
    cell(id === '' || isNamedTwice ? path : ''),
  ];
}

function summaryLines(
  graph: DependencyGraph,
  featureRequests: readonly FeatureRequest[],
  done: ReadonlySet<string>,
  located: Pick<LocatedConfig, 'command'>,
): string[] {
  const waiting = new Set(graph.edges.filter(({ to }) => !done.has(to)).map(({ from }) => from));
  const broken = new Set(
    featureRequests
      .filter(({ problems }) => problems.some(({ severity }) => severity === 'error'))
      .map(({ path }) => path),
  );
  const named = graph.nodes.filter(({ id }) => id !== '');
  const open = named.filter(({ status }) => notBegun.includes(status));
  const ready = open.filter(({ id, path }) => !broken.has(path) && !waiting.has(id));
  const counts = [
    [done.size, 'done'],
    [named.filter(({ status }) => underWay.includes(status)).length, 'under way'],
    [ready.length, 'can start'],
    [open.filter(({ id }) => waiting.has(id)).length, 'blocked by others'],
  ] as const;
  const said = counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  const total = count(named.length, 'feature request');
  const faulty = graph.nodes.filter(({ path }) => broken.has(path)).length;
  return [
    `${[total, ...(said.length === 0 ? [] : [said.join(', ')])].join(': ')}.`,
    ...(ready.length > 0 ? [`Can start: ${listOf(ready.map(({ id }) => id))}`] : []),
    ...(faulty > 0 ? [`Something is wrong with ${count(faulty, 'note')}: ${located.command('fr validate')}`] : []),
  ];
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

function cycleLines(terminal: Terminal, graph: DependencyGraph, featureRequests: readonly FeatureRequest[]): string[] {
  return graph.cycles.flatMap((cycle) => {
    const places = cycle.slice(0, -1).map((id, at) => {
      const next = cycle[at + 1] ?? '';
      const edge = graph.edges.find(({ from, to }) => from === id && to === next);
      const how = edge?.source === 'body' ? ', says its text' : '';
      return [placeOf(featureRequests, id), `${id} depends on ${next}${how}`] as const;
    });
    const width = Math.max(...places.map(([place]) => place.length));
    return [
      '',
      `${terminal.paint('out', ['red', 'bold'], 'circle')} ${cycle.join(' → ')}`,
      ...places.map(([place, what]) => `    ${place.padEnd(width)}  ${what}`),
      '    None of these can start. Remove one of the links.',
    ];
  });
}

/** Where the note says what leads on along the circle. */
function placeOf(featureRequests: readonly FeatureRequest[], id: string): string {
  const notes = featureRequests.filter((candidate) => candidate.id === id);
  for (const { path, problems } of notes) {
    const problem = problems.find(({ code }) => code === 'depends-on.cycle');
    if (problem) return `${plainLine(path)}:${problem.line}`;
  }
  return plainLine(notes[0]?.path ?? id);
}

const shownIds = 8;

function listOf(ids: readonly string[]): string {
  const more = ids.length - shownIds;
  return more > 1 ? `${ids.slice(0, shownIds).join(' ')} and ${more} more` : ids.join(' ');
}
