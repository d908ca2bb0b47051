import { setPriority } from 'node:os';
import type { SandboxEnding } from '../../core/ports/sandbox.ts';
import type { RunCgroup } from './cgroup-limits.ts';
import { capProcessNumbers } from './pid-ceiling.ts';
import type { ProcessTable } from './process-table.ts';
import type { ResourceWatch } from './resource-watch.ts';
import type { Containment } from './supervised-run.ts';

const firstReportMs = 1_000;
/** Most runs of tools are over by then and need no further process beside them. */
const capAfterMs = 20;
const highestPriority = -20;

/**
 * A run in a PID namespace. Its first process takes all others with it, and the kernel lets it become a zombie
 * only when they are gone.
 */
export class NamespaceContainment implements Containment {
  readonly #table: ProcessTable;
  readonly #watch: ResourceWatch;
  readonly #cgroup: RunCgroup | null;
  #monitor: { pid: number; started: string } | null = null;
  #first: { pid: number; started: string } | null = null;
  #report = '';
  #capTimer: NodeJS.Timeout | undefined;
  #capping: Promise<void> | null = null;
  readonly #mostTasks: number;
  #killedAt: number | null = null;
  #exited = false;
  /** What the program itself exited with; absent when bubblewrap never came so far, or was killed. */
  exitCode: number | null = null;

  constructor(table: ProcessTable, watch: ResourceWatch, cgroup: RunCgroup | null, mostTasks: number) {
    this.#mostTasks = mostTasks;
    this.#cgroup = cgroup;
    this.#table = table;
    this.#watch = watch;
  }

  started(pid: number): void {
    const entry = this.#table.one(pid);
    if (entry !== null) this.#monitor = { pid, started: entry.started };
  }

  /** Takes bubblewrap's status, JSON objects one after the other. */
  status(text: string): void {
    this.#report += text;
    const child = /"child-pid":\s*(\d+)/.exec(this.#report);
    if (child !== null && this.#first === null) {
      const pid = Number(child[1]);
      this.#first = { pid, started: this.#table.one(pid)?.started ?? '' };
      const namespace = Number(/"pid-namespace":\s*(\d+)/.exec(this.#report)?.[1]);
      this.#capTimer = setTimeout(() => {
        this.#capping = capProcessNumbers(pid, namespace, this.#mostTasks);
      }, capAfterMs);
      if (this.#killedAt !== null) this.kill();
    }
    const code = /"exit-code":\s*(\d+)/.exec(this.#report);
    if (code !== null) this.exitCode = Number(code[1]);
  }

  async check(phase: 'running' | 'exited'): Promise<SandboxEnding | null> {
    const byKernel = this.#cgroup?.check() ?? null;
    if (phase === 'exited') {
      this.#exited = true;
      clearTimeout(this.#capTimer);
      await this.#capping;
    }
    if (byKernel !== null) return byKernel;
    if (phase === 'exited') {
      return this.#watch.check([], phase);
    }
    return this.#watch.check(this.#first === null ? [] : this.#table.treeOf(this.#first.pid), phase);
  }

  kill(): void {
    this.#killedAt ??= performance.now();
    // Without its monitor a first process that has not yet asked to die with it would wait forever.
    if (this.#first === null && !this.#exited && performance.now() - this.#killedAt < firstReportMs) {
      setTimeout(() => {
        if (this.#first === null) this.kill();
      }, firstReportMs).unref();
      return;
    }
    this.#cgroup?.kill();
    for (const target of [this.#first, this.#monitor]) {
      if (target !== null && this.#table.isAlive(target.pid, target.started)) signal(target.pid);
    }
  }

  gone(): boolean {
    return [this.#first, this.#monitor].every(
      (process) => process === null || !this.#table.isAlive(process.pid, process.started),
    );
  }
}

function signal(pid: number): void {
  try {
    // Among thousands of processes it would wait for its turn to die, and all others wait for that.
    if (process.getuid?.() === 0) setPriority(pid, highestPriority);
  } catch {
    // It dies all the same.
  }
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile.
  }
}
