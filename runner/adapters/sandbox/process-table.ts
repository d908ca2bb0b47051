import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly state: string;
  readonly threads: number;
  /** Ticks since boot: with the pid it names one process for good. */
  readonly started: string;
  readonly residentBytes: number;
}

/** What runs on this machine. One reading serves every run that asks within `maxAgeMs`. */
export class ProcessTable {
  readonly #maxAgeMs: number;
  readonly #pageSize = readPageSize();
  #entries: ReadonlyMap<number, ProcessEntry> = new Map();
  #readAt = -Infinity;

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  entries(options: { readonly fresh?: boolean } = {}): ReadonlyMap<number, ProcessEntry> {
    const now = performance.now();
    if (options.fresh !== true && now - this.#readAt < this.#maxAgeMs) return this.#entries;
    const entries = new Map<number, ProcessEntry>();
    for (const name of listProc()) {
      const entry = this.one(Number(name));
      if (entry !== null) entries.set(entry.pid, entry);
    }
    this.#entries = entries;
    this.#readAt = now;
    return entries;
  }

  /** Read now, never from the kept reading; null when there is no such process. */
  one(pid: number): ProcessEntry | null {
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    } catch {
      return null;
    }
    // The name is in parentheses and may contain spaces and parentheses itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      state: fields[0] ?? '',
      parent: Number(fields[1]),
      group: Number(fields[2]),
      session: Number(fields[3]),
      threads: Number(fields[17]),
      started: fields[19] ?? '',
      residentBytes: Number(fields[21]) * this.#pageSize,
    };
  }

  /** Alive and the same process as then; a zombie has nothing left that could act. */
  isAlive(pid: number, started: string): boolean {
    const entry = this.one(pid);
    return entry !== null && entry.started === started && entry.state !== 'Z' && entry.state !== 'X';
  }

  /** `root` and everything below it. */
  treeOf(root: number, options: { readonly fresh?: boolean } = {}): ProcessEntry[] {
    const entries = this.entries(options);
    const children = new Map<number, ProcessEntry[]>();
    for (const entry of entries.values()) {
      const siblings = children.get(entry.parent);
      if (siblings === undefined) children.set(entry.parent, [entry]);
      else siblings.push(entry);
    }
    const top = entries.get(root);
    const tree = top === undefined ? [] : [top];
    for (let next = 0; next < tree.length; next += 1) {
      tree.push(...(children.get(tree[next]?.pid ?? -1) ?? []));
    }
    return tree;
  }
}

/**
 * Memory with shared pages counted once, which the resident size counts once per process: many processes of
 * one program look far larger than they are. Slower than the resident size, so asked only when that is too much.
 */
export function proportionalBytes(entry: ProcessEntry): number {
  try {
    const found = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${entry.pid}/smaps_rollup`, 'latin1'));
    return found === null ? entry.residentBytes : Number(found[1]) * 1024;
  } catch {
    return entry.residentBytes;
  }
}

function listProc(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function readPageSize(): number {
  const pageSizeKey = 6n;
  try {
    const vector = readFileSync('/proc/self/auxv');
    for (let at = 0; at + 16 <= vector.length; at += 16) {
      if (vector.readBigUInt64LE(at) === pageSizeKey) return Number(vector.readBigUInt64LE(at + 8));
    }
  } catch {
    // Not Linux.
  }
  return 4096;
}
