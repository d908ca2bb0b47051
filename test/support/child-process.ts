import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** A TypeScript file of test/support in a process of its own, that can be killed like any other program, and is when the test ends. */
export interface ScriptProcess {
  readonly pid: number;
  /** Settles with the first line of output that satisfies; rejects when the process ends before. */
  line(satisfies: (line: string) => boolean): Promise<string>;
  readonly lines: readonly string[];
  /** SIGKILL, and until the process is gone. */
  kill(): Promise<void>;
  /** The exit code; null after a signal. */
  ended(): Promise<number | null>;
}

export function startScript(script: string, ...parameters: string[]): ScriptProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [path, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit').then(([code]: unknown[]) => (typeof code === 'number' ? code : null));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  if (!child.stdout || child.pid === undefined) throw new Error(`Could not start ${script}`);
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const listener of listeners) listener();
  });
  return {
    pid: child.pid,
    lines,
    line: (satisfies) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.find(satisfies);
          if (found === undefined) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
        void exit.then((code) => {
          look();
          reject(
            new Error(
              `${script} ended (${code ?? 'by a signal'}) without the expected line; it said: ${lines.join(' | ')}`,
            ),
          );
        });
      }),
    async kill() {
      child.kill('SIGKILL');
      await exit;
    },
    ended: () => exit,
  };
}
