import childProcess, { type ChildProcess, type SpawnOptions } from 'node:child_process';
import fileSystem, { writeSync } from 'node:fs';
import filePromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/**
 * Where a program may die and leave one thing done and the next undone: a commit to one of the databases, a rename in the
 * vault or beside a tree, a git that talks to an origin or writes a pull request, a call that changes something on a forge,
 * and the start of a sandbox.
 */
const kinds = ['registry', 'engine', 'note', 'report', 'tree', 'fetch', 'push', 'forge', 'git', 'sandbox'] as const;
export type BoundaryKind = (typeof kinds)[number];

const phases = ['before', 'during', 'after'] as const;
export type BoundaryPhase = (typeof phases)[number];

/** The n-th boundary of its kind since the process began, counted from 1. */
export interface Aim {
  readonly kind: BoundaryKind;
  readonly number: number;
  readonly phase: BoundaryPhase;
}

export type BoundaryCounts = Readonly<Record<BoundaryKind, number>>;

/** Only a program of its own, or a server, goes on while its starter dies. */
export const phasesOf = (kind: BoundaryKind): readonly BoundaryPhase[] =>
  ['fetch', 'push', 'forge', 'git', 'sandbox'].includes(kind) ? phases : ['before', 'after'];

export const boundaryKinds: readonly BoundaryKind[] = kinds;

export const formatAim = ({ kind, number, phase }: Aim): string => `${kind}:${number}:${phase}`;

export function parseAim(text: string): Aim | null {
  const [kind, number, phase] = text.split(':');
  const found = {
    kind: kinds.find((known) => known === kind),
    phase: phases.find((known) => known === phase),
  };
  if (!found.kind || !found.phase) return null;
  return { kind: found.kind, number: Number(number), phase: found.phase };
}

/** Counts the boundaries of this process from now on, and ends it without warning at the one aimed at, saying so on standard output. */
export function countBoundaries(aim: Aim | null): BoundaryCounts {
  const counts = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<BoundaryKind, number>;

  function at(phase: BoundaryPhase, kind: BoundaryKind, number: number): void {
    if (aim?.kind !== kind || aim.phase !== phase || aim.number !== number) return;
    writeSync(1, `${JSON.stringify({ killed: formatAim(aim) })}\n`);
    process.kill(process.pid, 'SIGKILL');
  }

  function around<Result>(kind: BoundaryKind, action: () => Result): Result {
    const number = ++counts[kind];
    at('before', kind, number);
    const result = action();
    at('after', kind, number);
    return result;
  }

  countCommits(around);
  countNotesInPlace(around);
  countRenames(async (kind, action) => {
    const number = ++counts[kind];
    at('before', kind, number);
    await action();
    at('after', kind, number);
  });
  countPrograms((kind, start) => {
    const number = ++counts[kind];
    at('before', kind, number);
    const child = start();
    at('during', kind, number);
    child.once('close', () => {
      at('after', kind, number);
    });
    return child;
  });
  countCalls(async (call) => {
    const number = ++counts.forge;
    at('before', 'forge', number);
    const answer = call();
    // On a connection that is open the call is written by then.
    setImmediate(() => {
      at('during', 'forge', number);
    });
    const response = await answer;
    at('after', 'forge', number);
    return response;
  });
  syncBuiltinESMExports();
  return counts;
}

type Around = <Result>(kind: BoundaryKind, action: () => Result) => Result;

function kindOfDatabase(database: DatabaseSync): BoundaryKind | null {
  const name = database.isOpen ? basename(database.location() ?? '') : '';
  return name === 'registry.db' ? 'registry' : name === 'engine.db' ? 'engine' : null;
}

interface DatabaseMethods {
  readonly exec: (this: DatabaseSync, sql: string) => void;
  readonly prepare: (this: DatabaseSync, sql: string, ...rest: unknown[]) => StatementSync;
}

/** Transactions end by COMMIT; a statement outside of one that changes something is a commit of its own. */
function countCommits(around: Around): void {
  const { exec, prepare } = DatabaseSync.prototype as DatabaseMethods;
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
    const kind = sql === 'COMMIT' ? kindOfDatabase(this) : null;
    if (kind === null) exec.call(this, sql);
    else {
      around(kind, () => {
        exec.call(this, sql);
      });
    }
  };
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql: string, ...rest) {
    const statement = prepare.call(this, sql, ...rest);
    const kind = /^\s*(?:insert|update|delete)\b/i.test(sql) ? kindOfDatabase(this) : null;
    if (kind === null) return statement;
    for (const name of ['run', 'get', 'all'] as const) {
      const method = statement[name].bind(statement) as (...parameters: unknown[]) => unknown;
      const counted = (...parameters: unknown[]): unknown =>
        this.isTransaction ? method(...parameters) : around(kind, () => method(...parameters));
      Object.assign(statement, { [name]: counted });
    }
    return statement;
  };
}

function kindOfFile(path: string): BoundaryKind {
  if (path.includes('/20_runs/')) return 'report';
  return path.endsWith('.md') ? 'note' : 'tree';
}

function countRenames(around: (kind: BoundaryKind, action: () => Promise<void>) => Promise<void>): void {
  const { rename } = filePromises;
  filePromises.rename = (from, to) => around(kindOfFile(String(to)), () => rename(from, to));
}

/** A note that others may write too is replaced right after the last look at it. */
function countNotesInPlace(around: Around): void {
  const { renameSync } = fileSystem;
  fileSystem.renameSync = (from, to) => {
    const rename = (): void => {
      renameSync(from, to);
    };
    if (String(to).endsWith('.md')) around(kindOfFile(String(to)), rename);
    else rename();
  };
}

function countCalls(around: (call: () => Promise<Response>) => Promise<Response>): void {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const call = (): Promise<Response> => fetch(input, init);
    return isChange(init ?? {}) ? await around(call) : await call();
  };
}

/** A query is posted too. */
function isChange({ method, body }: RequestInit): boolean {
  if (method === undefined || method === 'GET' || method === 'HEAD') return false;
  return !(typeof body === 'string' && /"query":"\s*(?:query\b|\{)/.test(body));
}

function kindOfProgram(file: string, parameters: readonly string[]): BoundaryKind {
  if (basename(file) !== 'git') return 'sandbox';
  if (parameters.includes('push')) return 'push';
  if (parameters.includes('fetch')) return 'fetch';
  return parameters.some((parameter) => parameter.startsWith('refs/opus/pulls/')) ? 'forge' : 'git';
}

function countPrograms(around: (kind: BoundaryKind, start: () => ChildProcess) => ChildProcess): void {
  const { spawn } = childProcess;
  const counted = (file: string, parameters: readonly string[], options: SpawnOptions): ChildProcess =>
    around(kindOfProgram(file, parameters), () => spawn(file, parameters, options));
  Object.assign(childProcess, { spawn: counted });
}
