import { readlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Sandbox, SandboxEnding, SandboxRequest, SandboxResult } from '../../core/ports/sandbox.ts';
import { openHostForwards } from './host-forwards.ts';
import { inheritedDescriptors } from './inherited-descriptors.ts';
import { ProcessTable } from './process-table.ts';
import { findProgram, innerPath, requireProgram } from './program-lookup.ts';
import { ResourceWatch } from './resource-watch.ts';
import { runResult } from './run-result.ts';
import { superviseRun, type Containment } from './supervised-run.ts';
import { pathFolders } from './toolchains.ts';

export interface UnconfinedOptions {
  /** Why there is no isolation, for the probe. */
  readonly reason: string;
  /** What would bring it back, for the probe. */
  readonly hint: string;
  readonly home?: string;
  readonly path?: string;
  readonly logBytes?: number;
  readonly watchMs?: number;
}

/**
 * The same port without a sandbox: programs see all files and the whole network. Environment, limits and the
 * end of every process are kept as far as that goes; a program that hides from its parents may stay behind.
 */
export function createUnconfinedSandbox(options: UnconfinedOptions): Sandbox {
  const home = options.home ?? homedir();
  const path = innerPath(pathFolders(options.path ?? process.env['PATH'] ?? ''), () => true);
  const watchMs = options.watchMs ?? 250;
  const table = new ProcessTable(watchMs / 2);
  const inherited = inheritedDescriptors();
  return {
    probe: () => Promise.resolve({ kind: 'none', reason: options.reason, hint: options.hint }),
    run: async (request) => {
      requireProgram(request.argv[0], { path, cwd: request.cwd, mounts: [] });
      const writable = request.mounts.filter(({ mode }) => mode === 'read-write').map(({ source }) => source);
      const containment = new GroupContainment(table, new ResourceWatch(request.limits, writable));
      const [file, ...args] = limitedCommand(request, path);
      const forwards = await openHostForwards(request.forwards ?? []);
      try {
        const { ended, output } = await superviseRun(
          request,
          { file, args, cwd: request.cwd, env: { HOME: home, ...request.env, PATH: path }, detached: true, inherited },
          containment,
          { watchMs, logBytes: options.logBytes ?? 10_000_000 },
        );
        return runResult(ended, output, []) satisfies SandboxResult;
      } finally {
        forwards.close();
      }
    },
  };
}

function limitedCommand({ argv, limits }: SandboxRequest, path: string): [string, ...string[]] {
  const withParent = findProgram('setpriv', path);
  const capped = findProgram('prlimit', path);
  const command = [
    ...(withParent === null ? [] : [withParent, '--pdeathsig', 'KILL', '--']),
    ...(capped === null ? [] : [capped, `--data=${limits.memory}`, `--fsize=${limits.disk}`, '--core=0', '--']),
    ...argv,
  ];
  return command as [string, ...string[]];
}

/** A process group, whatever was seen below it or in its sessions while it ran, and what writes to its output. */
class GroupContainment implements Containment {
  readonly #table: ProcessTable;
  readonly #watch: ResourceWatch;
  readonly #known = new Map<number, string>();
  readonly #outputs = new Set<string>();
  #leader = 0;

  constructor(table: ProcessTable, watch: ResourceWatch) {
    this.#table = table;
    this.#watch = watch;
  }

  started(pid: number): void {
    this.#leader = pid;
    for (const output of outputsOf(pid)) if (/^(pipe|socket):/.test(output)) this.#outputs.add(output);
    this.#known.set(pid, this.#table.one(pid)?.started ?? '');
  }

  check(phase: 'running' | 'exited'): Promise<SandboxEnding | null> {
    const pids = this.#look({ fresh: phase === 'exited' });
    const entries = this.#table.entries();
    const processes = pids.map((pid) => entries.get(pid)).filter((entry) => entry !== undefined);
    return this.#watch.check(phase === 'exited' ? [] : processes, phase);
  }

  kill(): void {
    const pids = this.#look({ fresh: true });
    const entries = this.#table.entries();
    // The group's number may name strangers as soon as none of ours is in it.
    const ofGroup = pids.some((pid) => entries.get(pid)?.group === this.#leader);
    for (const pid of ofGroup || entries.size === 0 ? [-this.#leader, ...pids] : pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone meanwhile.
      }
    }
  }

  gone(): boolean {
    return this.#look({ fresh: true }).length === 0 && !this.#groupExists();
  }

  /** Processes of this run that are alive, by their parents, groups and sessions. */
  #look(options: { readonly fresh: boolean }): number[] {
    const entries = this.#table.entries(options);
    const alive = (pid: number): boolean => {
      const entry = entries.get(pid);
      return (
        entry !== undefined && entry.started === this.#known.get(pid) && entry.state !== 'Z' && entry.state !== 'X'
      );
    };
    for (let grew = true; grew;) {
      grew = false;
      for (const entry of entries.values()) {
        if (this.#known.get(entry.pid) === entry.started) continue;
        // A leader's number stays taken while its group or session has members, so these cannot be strangers.
        const ours = [entry.parent, entry.group, entry.session].some((pid) => pid > 1 && this.#known.has(pid));
        if (options.fresh && outputsOf(entry.pid).some((output) => this.#outputs.has(output))) {
          this.#known.set(entry.pid, entry.started);
          grew = true;
          continue;
        }
        if (!ours || !this.#isStillOurs(entry.parent, entry.group, entry.session, entries)) continue;
        this.#known.set(entry.pid, entry.started);
        grew = true;
      }
    }
    return [...this.#known.keys()].filter(alive);
  }

  /** A known number that now belongs to another process proves nothing. */
  #isStillOurs(
    parent: number,
    group: number,
    session: number,
    entries: ReadonlyMap<number, { readonly started: string }>,
  ): boolean {
    return [parent, group, session].some((pid) => {
      const started = this.#known.get(pid);
      if (started === undefined) return false;
      const now = entries.get(pid);
      return now === undefined ? pid !== parent : now.started === started;
    });
  }

  #groupExists(): boolean {
    if (this.#table.entries().size > 0) return false;
    try {
      process.kill(-this.#leader, 0);
      return true;
    } catch {
      return false;
    }
  }
}

/** Where standard output and standard error of a process lead: a daemon that left its parents often kept these. */
function outputsOf(pid: number): string[] {
  return ['1', '2'].flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
    } catch {
      return [];
    }
  });
}
