import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { SandboxEnding, SandboxLimits } from '../../core/ports/sandbox.ts';
import { findCgroupParent } from './cgroup-parents.ts';
import { threadsPerProcess } from './resource-watch.ts';

const prefix = 'opus-run-';
const removalAttempts = 40;

/** Makes a control group for each run, where this process may: a limit that the kernel itself keeps. */
export class CgroupLimits {
  readonly #parent: string | null;
  #count = 0;
  #isUsable = true;

  constructor(parent: string | null = findCgroupParent()) {
    this.#parent = parent;
    if (parent !== null) removeLeftovers(parent);
  }

  /** Null where control groups cannot be used; then limits inside and watching have to do. */
  open(limits: SandboxLimits): RunCgroup | null {
    if (this.#parent === null || !this.#isUsable) return null;
    this.#count += 1;
    try {
      return new RunCgroup(this.#parent, `${prefix}${process.pid}-${this.#count}`, limits);
    } catch {
      this.#isUsable = false;
      return null;
    }
  }
}

export class RunCgroup {
  readonly #folder: string;

  constructor(parent: string, name: string, limits: SandboxLimits) {
    this.#folder = `${parent}/${name}`;
    mkdirSync(this.#folder);
    try {
      writeFileSync(`${this.#folder}/memory.max`, String(limits.memory));
      writeFileSync(`${this.#folder}/pids.max`, String(limits.processes * threadsPerProcess));
      writeIfThere(`${this.#folder}/memory.oom.group`, '1');
      writeIfThere(`${this.#folder}/memory.swap.max`, '0');
    } catch (error) {
      tryToRemove(this.#folder);
      throw error;
    }
  }

  /** Comes before a command: enters the group, then becomes the command. */
  command(): [string, ...string[]] {
    return ['/bin/sh', '-c', 'echo 0 > "$0/cgroup.procs" && exec "$@"', this.#folder];
  }

  check(): SandboxEnding | null {
    if (counter(`${this.#folder}/memory.events`, 'oom_kill') > 0) return 'memory';
    return counter(`${this.#folder}/pids.events`, 'max') > 0 ? 'processes' : null;
  }

  kill(): void {
    writeIfThere(`${this.#folder}/cgroup.kill`, '1');
  }

  async remove(): Promise<void> {
    // The kernel empties a group a moment after its last process is gone.
    for (let attempt = 0; attempt < removalAttempts && !tryToRemove(this.#folder); attempt += 1) await pause(5);
  }
}

/** A runner that was killed could not remove its groups. */
function removeLeftovers(parent: string): void {
  for (const name of namesIn(parent)) {
    const owner = /^opus-run-(\d+)-\d+$/.exec(name)?.[1];
    if (owner !== undefined && !isRunning(Number(owner))) tryToRemove(`${parent}/${name}`);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** True when it is gone. */
function tryToRemove(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function counter(file: string, name: string): number {
  try {
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(file, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function writeIfThere(file: string, value: string): void {
  try {
    writeFileSync(file, value, { flag: 'r+' });
  } catch {
    // Not every kernel has it.
  }
}
