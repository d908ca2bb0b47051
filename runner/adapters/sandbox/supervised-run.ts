import { spawn, type ChildProcess, type IOType } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { OpusError } from '#shared/domain/errors.ts';
import { createRedaction } from '../../core/blank-out.ts';
import type { SandboxEnding, SandboxRequest, SandboxStreams } from '../../core/ports/sandbox.ts';
import { OutputCollector, type OutputOptions } from './output-collector.ts';

export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  /** What the process list shows instead of the file. */
  readonly name?: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly detached: boolean;
  /** Descriptors that this process inherited and would hand on: the child gets /dev/null there. */
  readonly inherited: readonly number[];
  /** Offered on descriptor 3; with it, descriptor 4 is read into `onStatus`. */
  readonly input?: string;
  readonly onStatus?: (text: string) => void;
}

/** How one run's processes are watched, ended, and known to be gone. */
export interface Containment {
  /** Called with the direct child as soon as there is one. */
  started(pid: number): void;
  /** Why the run has to end now, if it has; asked every `watchMs` and once more after the exit. */
  check(phase: 'running' | 'exited'): Promise<SandboxEnding | null>;
  /** Ends everything; called again until `gone`. */
  kill(): void;
  gone(): boolean;
}

export interface Ended {
  readonly ending: SandboxEnding;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly durationMs: number;
}

export interface Supervision {
  readonly watchMs: number;
  readonly logBytes: number;
}

const firstPauseMs = 1;
const longestPauseMs = 50;
const streamGraceMs = 1_000;

/** Spawns and follows one process until it and all it started are gone, whatever ended it. */
export async function superviseRun(
  request: SandboxRequest,
  launch: Launch,
  containment: Containment,
  supervision: Supervision,
): Promise<{ ended: Ended; output: OutputCollector }> {
  const begun = performance.now();
  const outcome: { ending: SandboxEnding | null } = { ending: null };
  let child: ChildProcess | null = null;
  const end = (reason: SandboxEnding): void => {
    if (outcome.ending !== null) return;
    outcome.ending = reason;
    if (child !== null) containment.kill();
  };
  const output = openOutput({
    logFile: request.logFile,
    logBytes: supervision.logBytes,
    captureStdout: request.captureStdout ?? 0,
    withheld: request.withheld ?? [],
    onOutput: request.onOutput,
    onCaptureFull: () => {
      end('disk');
    },
  });
  try {
    if (request.signal?.aborted === true) {
      const durationMs = performance.now() - begun;
      return { ended: { ending: 'aborted', exitCode: null, signal: null, durationMs }, output };
    }
    child = start(launch, request.conversation === undefined ? 'ignore' : 'pipe');
    if (child.pid !== undefined) containment.started(child.pid);
    const exit = waitForExit(child, launch);
    const watching = watch(request, child, containment, supervision, output, end);
    try {
      const { exitCode, signal } = await exit;
      // Before the check after the exit, so that a late abort cannot rename a run that ended by itself.
      watching.stop();
      const late = await containment.check('exited');
      if (late !== null) end(late);
      await untilGone(containment);
      child.stdin?.destroy();
      await drained(child);
      const durationMs = performance.now() - begun;
      return { ended: { ending: outcome.ending ?? 'exited', exitCode, signal, durationMs }, output };
    } finally {
      watching.stop();
    }
  } finally {
    output.finish();
  }
}

function openOutput(options: OutputOptions): OutputCollector {
  try {
    return new OutputCollector(options);
  } catch (cause) {
    throw new OpusError('sandbox.start-failed', `The log file ${options.logFile ?? ''} cannot be written.`, { cause });
  }
}

function start(launch: Launch, stdin: 'ignore' | 'pipe'): ChildProcess {
  const nowhere = launch.inherited.length === 0 ? null : openSync('/dev/null', 'r');
  const stdio: (IOType | number)[] = [stdin, 'pipe', 'pipe'];
  if (launch.input !== undefined) stdio.push('pipe', 'pipe');
  for (const descriptor of launch.inherited) {
    while (stdio.length <= descriptor) stdio.push('ignore');
    if (stdio[descriptor] === 'ignore' && nowhere !== null) stdio[descriptor] = nowhere;
  }
  const { cwd, env, detached } = launch;
  const argv0 = launch.name ?? launch.file;
  const child = spawn(launch.file, launch.args, { cwd, env, detached, stdio, argv0 });
  if (nowhere !== null) closeSync(nowhere);
  if (launch.input !== undefined) {
    const input = child.stdio[3] as Writable | null;
    // The program may be gone before it has read everything.
    input?.on('error', () => undefined);
    input?.end(launch.input);
    const status = child.stdio[4] as Readable | null;
    status?.on('error', () => undefined);
    status?.setEncoding('utf8');
    status?.on('data', (text: string) => launch.onStatus?.(text));
  }
  return child;
}

function waitForExit(
  child: ChildProcess,
  launch: Launch,
): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once('exit', (exitCode, signal) => {
      resolve({ exitCode, signal });
    });
    child.once('error', (cause) => {
      reject(new OpusError('sandbox.start-failed', `${launch.file} could not be started: ${cause.message}`, { cause }));
    });
  });
}

function watch(
  request: SandboxRequest,
  child: ChildProcess,
  containment: Containment,
  supervision: Supervision,
  output: OutputCollector,
  end: (reason: SandboxEnding) => void,
): { stop: () => void } {
  let lastOutput = performance.now();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.on('error', () => undefined);
    if (stream === 'stdout' && request.conversation !== undefined) continue;
    child[stream]?.on('data', (chunk: Buffer) => {
      lastOutput = performance.now();
      output.take(stream, chunk);
    });
  }
  const timeout = setTimeout(end, clampTimer(request.timeoutMs), 'timeout');
  const { stallMs } = request;
  let stall: NodeJS.Timeout | undefined;
  const armStall = (waitMs: number): void => {
    stall = setTimeout(() => {
      const left = lastOutput + (stallMs ?? 0) - performance.now();
      if (left <= 0) end('stalled');
      else armStall(left);
    }, clampTimer(waitMs));
  };
  if (stallMs !== undefined) armStall(stallMs);
  const onAbort = (): void => {
    end('aborted');
  };
  request.signal?.addEventListener('abort', onAbort, { once: true });

  let checking = false;
  const ticker = setInterval(() => {
    if (checking) return;
    checking = true;
    void containment
      .check('running')
      .then((reason) => {
        if (reason !== null) end(reason);
      })
      .finally(() => {
        checking = false;
      });
  }, supervision.watchMs);
  // Last, for it may abort the run.
  request.conversation?.onStart(withholding(streamsOf(child), request.withheld ?? []));
  return {
    stop: () => {
      clearTimeout(timeout);
      clearTimeout(stall);
      clearInterval(ticker);
      request.signal?.removeEventListener('abort', onAbort);
    },
  };
}

function withholding(streams: SandboxStreams, withheld: readonly string[]): SandboxStreams {
  return withheld.length === 0 ? streams : { ...streams, stdout: blanked(streams.stdout, withheld) };
}

async function* blanked(chunks: AsyncIterable<Uint8Array>, withheld: readonly string[]): AsyncGenerator<Uint8Array> {
  const redaction = createRedaction(withheld).stream();
  for await (const chunk of chunks) yield redaction.push(Buffer.from(chunk));
  yield redaction.end();
}

function streamsOf({ stdin, stdout }: ChildProcess): SandboxStreams {
  stdin?.on('error', () => undefined);
  return {
    write: (text, done) => stdin?.write(text, done),
    end: () => stdin?.end(),
    stdout: stdout ?? Readable.from([]),
  };
}

/** Node fires a timer beyond 2^31 ms at once. */
function clampTimer(ms: number): number {
  return Math.min(Math.max(0, ms), 2 ** 31 - 1);
}

async function untilGone(containment: Containment): Promise<void> {
  for (let pauseMs = firstPauseMs; !containment.gone(); pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    containment.kill();
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Output still in the pipes is read to its end; a pipe that something unrelated holds open is given up. */
async function drained(child: ChildProcess): Promise<void> {
  const open = [child.stdout, child.stderr].filter((stream) => stream !== null && !stream.closed) as Readable[];
  if (open.length === 0) return;
  let grace: NodeJS.Timeout | undefined;
  await Promise.race([
    Promise.all(open.map((stream) => new Promise((resolve) => stream.once('close', resolve)))),
    new Promise((resolve) => (grace = setTimeout(resolve, streamGraceMs))),
  ]);
  clearTimeout(grace);
  for (const stream of open) stream.destroy();
}
