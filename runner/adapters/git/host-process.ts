import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface HostProcess {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly input: string | Readable | undefined;
  readonly timeoutMs: number;
  readonly maxStdout: number;
  readonly maxStderr: number;
  readonly signal: AbortSignal | undefined;
}

export interface HostProcessEnd {
  /** Null when it was killed or could not be started. */
  readonly exitCode: number | null;
  readonly killedBy: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly stopped: 'aborted' | 'timeout' | 'output' | null;
  /** Why it could not be started or given its input. */
  readonly error: NodeJS.ErrnoException | null;
}

const forceKillAfterMs = 5000;
const running = new Set<ChildProcess>();
let watchesExit = false;

/** Runs a program of the host to its end; never rejects. What runs when this process exits is ended with it. */
export function runHostProcess(file: string, args: readonly string[], options: HostProcess): Promise<HostProcessEnd> {
  if (options.signal?.aborted === true) return Promise.resolve({ ...notStarted, stopped: 'aborted' });
  try {
    const { env, cwd, input } = options;
    const child = spawn(file, args, { env, cwd, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    return followed(child, options);
  } catch (error) {
    return Promise.resolve({ ...notStarted, error: error as NodeJS.ErrnoException });
  }
}

const nothing = Buffer.alloc(0);
const notStarted: HostProcessEnd = {
  exitCode: null,
  killedBy: null,
  stdout: nothing,
  stderr: nothing,
  stopped: null,
  error: null,
};

function followed(child: ChildProcess, options: HostProcess): Promise<HostProcessEnd> {
  endWithThisProcess(child);
  let stopped: HostProcessEnd['stopped'] = null;
  let error: NodeJS.ErrnoException | null = null;
  let force: NodeJS.Timeout | undefined;
  const stop = (): void => {
    if (force !== undefined) return;
    child.kill('SIGTERM');
    force = setTimeout(() => child.kill('SIGKILL'), forceKillAfterMs);
  };
  const stopFor = (reason: 'aborted' | 'timeout' | 'output'): void => {
    stopped ??= reason;
    stop();
  };
  const fail = (thrown: unknown): void => {
    error ??= thrown as NodeJS.ErrnoException;
    stop();
  };
  const onAbort = (): void => {
    stopFor('aborted');
  };
  const timer = setTimeout(stopFor, options.timeoutMs, 'timeout');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const onFull = (): void => {
    stopFor('output');
  };
  const stdout = collected(child.stdout, options.maxStdout, onFull);
  const stderr = collected(child.stderr, options.maxStderr, onFull);
  give(child, options.input, fail);
  return new Promise((resolve) => {
    const settle = (exitCode: number | null, killedBy: NodeJS.Signals | null): void => {
      clearTimeout(timer);
      clearTimeout(force);
      options.signal?.removeEventListener('abort', onAbort);
      running.delete(child);
      resolve({ exitCode, killedBy, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr), stopped, error });
    };
    child.once('close', settle);
    child.once('error', (thrown) => {
      error ??= thrown;
      if (child.pid === undefined) settle(null, null);
    });
  });
}

function give(child: ChildProcess, input: string | Readable | undefined, fail: (thrown: unknown) => void): void {
  if (input === undefined || child.stdin === null) return;
  const { stdin } = child;
  if (typeof input === 'string') {
    // It may be gone before it has read everything; how it ended says more.
    stdin.on('error', () => undefined);
    stdin.end(input);
    return;
  }
  pipeline(input, stdin).catch((thrown: unknown) => {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE') fail(thrown);
  });
}

function collected(stream: Readable | null, max: number, onFull: () => void): Buffer[] {
  const chunks: Buffer[] = [];
  let room = max;
  stream?.on('error', () => undefined);
  stream?.on('data', (chunk: Buffer) => {
    if (room > 0) chunks.push(chunk.subarray(0, room));
    room -= chunk.length;
    if (room < 0) onFull();
  });
  return chunks;
}

function endWithThisProcess(child: ChildProcess): void {
  running.add(child);
  if (watchesExit) return;
  watchesExit = true;
  process.on('exit', () => {
    for (const each of running) each.kill();
  });
}
