/**
 * For every id that depends on itself by way of others: a shortest such way, beginning and ending with the id.
 * Edges to ids that are no key are ignored.
 */
export function findCycles(edges: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const inner = withoutDeadEnds(reversed(withoutDeadEnds(edges)));
  const remaining = new Map([...edges].filter(([id]) => inner.has(id)));
  const cycles = new Map<string, readonly string[]>();
  for (const id of remaining.keys()) {
    if (cycles.has(id)) continue;
    const cycle = shortestCycle(id, remaining);
    if (!cycle) continue;
    // One search serves every id on the way, so that a long circle is not searched once per member.
    const ring = cycle.slice(0, -1);
    ring.forEach((member, start) => {
      if (!cycles.has(member)) cycles.set(member, [...ring.slice(start), ...ring.slice(0, start), member]);
    });
  }
  return cycles;
}

/** What depends on nothing that is left is taken away until everything depends on something. */
function withoutDeadEnds(edges: ReadonlyMap<string, readonly string[]>): Map<string, readonly string[]> {
  const open = new Map<string, number>();
  const dependents = new Map<string, string[]>();
  for (const [id, targets] of edges) {
    const known = [...new Set(targets)].filter((target) => edges.has(target));
    open.set(id, known.length);
    for (const target of known) {
      const list = dependents.get(target);
      if (list) list.push(id);
      else dependents.set(target, [id]);
    }
  }
  const free = [...open].filter(([, count]) => count === 0).map(([id]) => id);
  for (let id = free.pop(); id !== undefined; id = free.pop()) {
    open.delete(id);
    for (const dependent of dependents.get(id) ?? []) {
      const count = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, count);
      if (count === 0) free.push(dependent);
    }
  }
  return new Map([...edges].filter(([id]) => open.has(id)));
}

function reversed(edges: ReadonlyMap<string, readonly string[]>): Map<string, readonly string[]> {
  const dependents = new Map<string, string[]>([...edges.keys()].map((id) => [id, []]));
  for (const [id, targets] of edges) for (const target of targets) dependents.get(target)?.push(id);
  return dependents;
}

function shortestCycle(start: string, edges: ReadonlyMap<string, readonly string[]>): string[] | null {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let at = 0; at < queue.length; at += 1) {
    const id = queue[at] ?? start;
    for (const target of edges.get(id) ?? []) {
      if (target === start) return wayBack(start, id, cameFrom);
      if (cameFrom.has(target) || !edges.has(target)) continue;
      cameFrom.set(target, id);
      queue.push(target);
    }
  }
  return null;
}

function wayBack(start: string, last: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [start];
  for (let id = last; id !== start; id = cameFrom.get(id) ?? start) way.push(id);
  way.push(start);
  return way.reverse();
}
