import { findCycles } from '#shared/domain/dependency-cycles.ts';
import type { FeatureRequest, NoteStatus } from '#shared/domain/feature-request.ts';

export interface GraphNode {
  /** Empty for a note without one that can be used; such a note has no edges. */
  readonly id: string;
  readonly title: string;
  readonly status: NoteStatus | null;
  readonly path: string;
}

/** `from` depends on `to`. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly source: 'depends_on' | 'body';
}

export interface DependencyGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Each circle once: a shortest way that begins and ends with the same id. */
  readonly cycles: readonly (readonly string[])[];
}

/** What depends on what, by id. Copies that a synchronisation made are left out. */
export function dependencyGraph(featureRequests: readonly FeatureRequest[]): DependencyGraph {
  const counted = featureRequests
    .filter(({ problems }) => !problems.some(({ code }) => code === 'note.sync-conflict'))
    .sort(byIdThenPath);
  const named = counted.filter(({ id }) => id !== '');
  const known = new Set(named.map(({ id }) => id));
  const edges = new Map<string, GraphEdge>();
  for (const { id, dependsOn, bodyDependsOn = [] } of named) {
    for (const to of dependsOn.filter((target) => known.has(target))) {
      const source = bodyDependsOn.includes(to) ? 'body' : 'depends_on';
      const key = JSON.stringify([id, to]);
      // Two notes of one id may say the same in two ways.
      if (edges.get(key)?.source !== 'depends_on') edges.set(key, { from: id, to, source });
    }
  }
  const all = [...edges.values()];
  return {
    nodes: counted.map(({ id, title, status, path }) => ({ id, title, status, path })),
    edges: all,
    cycles: distinctCycles(targetsOf(all, known)),
  };
}

/** The nodes in an order in which they can be built: what depends on nothing first, what a circle holds up last. */
export function inBuildingOrder({ nodes, edges }: DependencyGraph): GraphNode[] {
  const targets = targetsOf(edges, new Set(nodes.map(({ id }) => id)));
  const dependents = new Map<string, string[]>();
  const open = new Map<string, number>();
  for (const [id, dependencies] of targets) {
    open.set(id, dependencies.length);
    for (const to of dependencies) dependents.set(to, [...(dependents.get(to) ?? []), id]);
  }
  const level = new Map<string, number>();
  let free = [...open].filter(([, count]) => count === 0).map(([id]) => id);
  for (let depth = 0; free.length > 0; depth += 1) {
    const next: string[] = [];
    for (const id of free) {
      level.set(id, depth);
      for (const dependent of dependents.get(id) ?? []) {
        const count = (open.get(dependent) ?? 0) - 1;
        open.set(dependent, count);
        if (count === 0) next.push(dependent);
      }
    }
    free = next;
  }
  const levelOf = ({ id }: GraphNode): number => (id === '' ? Infinity : (level.get(id) ?? Number.MAX_SAFE_INTEGER));
  return nodes.toSorted((left, right) => {
    const [before, after] = [levelOf(left), levelOf(right)];
    return before === after ? byIdThenPath(left, right) : before - after;
  });
}

/** A Mermaid flowchart; an arrow points at what is depended on, a dotted one is said in the note's text. */
export function mermaidLines({ nodes, edges, cycles }: DependencyGraph): string[] {
  const keys = nodeKeys(nodes);
  const byId = new Map<string, string>();
  for (const [at, { id }] of nodes.entries()) if (!byId.has(id)) byId.set(id, keys[at] ?? '');
  const inCycle = new Set(cycles.flatMap((cycle) => cycle.slice(1).map((to, at) => JSON.stringify([cycle[at], to]))));
  const statuses = [...new Set(nodes.map(({ status }) => status ?? 'unknown'))].sort();
  const arrows = edges.map(
    ({ from, to, source }) => `${byId.get(from) ?? ''} ${source === 'body' ? '-.->' : '-->'} ${byId.get(to) ?? ''}`,
  );
  const red = edges.flatMap(({ from, to }, at) => (inCycle.has(JSON.stringify([from, to])) ? [at] : []));
  return [
    'graph LR',
    ...nodes.map(({ id, title, path, status }, at) => {
      const label = id === '' ? path : title === id || title === '' ? id : `${id}: ${title}`;
      return `  ${keys[at] ?? ''}["${mermaidText(label)}"]:::${className(status ?? 'unknown')}`;
    }),
    ...arrows.map((arrow) => `  ${arrow}`),
    ...statuses.map((status) => `  classDef ${className(status)} ${mermaidStyles[status]}`),
    ...(red.length > 0 ? [`  linkStyle ${red.join(',')} stroke:#c0392b,stroke-width:2px`] : []),
  ];
}

const mermaidStyles: Readonly<Record<NoteStatus | 'unknown', string>> = {
  idea: 'fill:#f4f4f4,stroke:#999999,color:#333333',
  planned: 'fill:#ffffff,stroke:#333333,color:#000000',
  'in-progress': 'fill:#dbeafe,stroke:#1d4ed8,color:#000000',
  'in-review': 'fill:#ede9fe,stroke:#6d28d9,color:#000000',
  done: 'fill:#dcfce7,stroke:#15803d,color:#555555',
  'needs-human': 'fill:#fef9c3,stroke:#a16207,color:#000000',
  blocked: 'fill:#ffedd5,stroke:#c2410c,color:#000000',
  parked: 'fill:#eeeeee,stroke:#999999,color:#777777',
  rejected: 'fill:#eeeeee,stroke:#999999,color:#777777',
  unknown: 'fill:#fee2e2,stroke:#c0392b,color:#000000',
};

function className(status: string): string {
  return status.replace('-', '_');
}

/** Words of Mermaid's own that cannot name a node. */
const reserved =
  /^(?:end|graph|flowchart|subgraph|class|classdef|click|style|linkstyle|default|direction|_self|href)$/i;

/** A name of letters, digits and underscores for each node, made from its id where that is possible. */
function nodeKeys(nodes: readonly GraphNode[]): string[] {
  const taken = new Set<string>();
  return nodes.map(({ id }, at) => {
    const plain = id.replace(/[^A-Za-z0-9]/g, '_');
    const usable = /^[A-Za-z]/.test(plain) && !reserved.test(plain) && !taken.has(plain);
    const key = usable ? plain : `note_${at + 1}`;
    taken.add(key);
    return key;
  });
}

/** Text inside double quotes, in which Mermaid would read quotes, tags, entities and Markdown. */
function mermaidText(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .replace(/[#"<>`&;*_\\[\]{}|]/g, (character) => `#${character.charCodeAt(0)};`)
    .trim();
}

function targetsOf(edges: readonly GraphEdge[], known: ReadonlySet<string>): Map<string, string[]> {
  const targets = new Map<string, string[]>([...known].filter((id) => id !== '').map((id) => [id, []]));
  for (const { from, to } of edges) targets.get(from)?.push(to);
  return targets;
}

function distinctCycles(targets: ReadonlyMap<string, readonly string[]>): (readonly string[])[] {
  const found = new Map<string, readonly string[]>();
  for (const cycle of findCycles(targets).values()) {
    const ring = cycle.slice(0, -1);
    const first = ring.reduce((least, id, at) => (byId(id, ring[least] ?? '') < 0 ? at : least), 0);
    const turned = [...ring.slice(first), ...ring.slice(0, first)];
    found.set(JSON.stringify(turned), [...turned, turned[0] ?? '']);
  }
  return [...found.values()];
}

function byId(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}

function byIdThenPath(left: GraphNode, right: GraphNode): number {
  // Those without an id come last.
  if ((left.id === '') !== (right.id === '')) return left.id === '' ? 1 : -1;
  return byId(left.id, right.id) || left.path.localeCompare(right.path);
}
