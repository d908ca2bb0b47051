import type { SandboxEnding, SandboxLimits } from '../../core/ports/sandbox.ts';
import { DiskGrowth } from './disk-growth.ts';
import { heldOpenBytes, sharedMemoryBytes } from './held-files.ts';
import { proportionalBytes, type ProcessEntry } from './process-table.ts';

/** Programs use many threads, so these are capped far above the number of processes. */
export const threadsPerProcess = 8;

/**
 * Compares what a run's processes use with its limits. Kernel limits alone do not do it: `--nproc` is void for
 * root, `--data` counts each process by itself and no shared mapping, and a folder on a disk has no quota.
 */
export class ResourceWatch {
  readonly #limits: SandboxLimits;
  readonly #disk: DiskGrowth;
  readonly #sharedAtStart = sharedMemoryBytes();

  constructor(limits: SandboxLimits, writableFolders: readonly string[]) {
    this.#limits = limits;
    this.#disk = new DiskGrowth(writableFolders, limits.disk);
  }

  async check(processes: readonly ProcessEntry[], phase: 'running' | 'exited'): Promise<SandboxEnding | null> {
    const limits = this.#limits;
    if (processes.length > limits.processes) return 'processes';
    const threads = processes.reduce((sum, entry) => sum + entry.threads, 0);
    if (threads > limits.processes * threadsPerProcess) return 'processes';
    if (this.#usesTooMuchMemory(processes)) return 'memory';
    return (await this.#disk.exceeded(processes, phase)) ? 'disk' : null;
  }

  #usesTooMuchMemory(processes: readonly ProcessEntry[]): boolean {
    const resident = processes.reduce((sum, entry) => sum + entry.residentBytes, 0);
    const sharedGrowth = sharedMemoryBytes() - this.#sharedAtStart;
    // Files in memory that no process maps are in no resident size; they are looked for only when there is reason to.
    const held = sharedGrowth > this.#limits.memory / 4 ? heldOpenBytes(processes, 'memory') : 0;
    if (resident + held <= this.#limits.memory) return false;
    const proportional = processes.reduce((sum, entry) => sum + proportionalBytes(entry), 0);
    return (
      Math.max(proportional, held) > this.#limits.memory ||
      (held > 0 && proportional + held > 1.5 * this.#limits.memory)
    );
  }
}
