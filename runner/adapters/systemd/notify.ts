import { execa } from 'execa';
import type { Log } from '../../core/ports/log.ts';

/**
 * Tells systemd how the service does. Nothing here throws or waits: messages are sent one after the other, and what is said while
 * one is on its way is put into the next.
 */
export interface SystemdNotifier {
  /** Milliseconds between two calls of `watchdog`; null when systemd does not watch this process. */
  readonly intervalMs: number | null;
  ready(status: string): void;
  /** Must be followed by `ready`. */
  reloading(): void;
  stopping(status: string): void;
  /** To be called by a timer of the event loop that does the work, so that the beat stops when the loop hangs. */
  watchdog(): void;
  /** What `systemctl status` shows. */
  status(text: string): void;
  /** Settles when the last message is delivered or given up; what is said later goes nowhere. */
  close(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Message {
  /** READY, RELOADING or STOPPING: the last one said counts. */
  readonly state: readonly string[];
  readonly status: string | null;
  readonly beat: boolean;
}

const nothing: Message = { state: [], status: null, beat: false };
const longestMs = 5_000;
const longestStatus = 400;

export function createSystemdNotifier(environment: Environment, log?: Pick<Log, 'warn'>): SystemdNotifier {
  const socket = environment['NOTIFY_SOCKET'] ?? '';
  if (socket === '') return silentNotifier;
  // Nothing else of the environment is its business, secrets least of all.
  const env = { PATH: environment['PATH'] ?? '/usr/bin:/bin', NOTIFY_SOCKET: socket };
  let pending = nothing;
  /** What could not be said; it goes with the next message, for a service that is never called ready is ended. */
  let unsaid = nothing;
  let sending: Promise<void> | null = null;
  let isClosed = false;
  let hasFailed = false;

  async function sendAll(): Promise<void> {
    while (pending !== nothing) {
      const message = pending;
      pending = nothing;
      await send(message);
    }
    sending = null;
  }

  async function send(message: Message): Promise<void> {
    const { state, status, beat } = message;
    const words = [...state, ...(status === null ? [] : [`STATUS=${status}`]), ...(beat ? ['WATCHDOG=1'] : [])];
    const options = { env, extendEnv: false, reject: false, stdin: 'ignore', timeout: longestMs } as const;
    const ended = await execa('systemd-notify', words, { ...options, forceKillAfterDelay: 500, maxBuffer: 65_536 });
    if (ended.failed && !hasFailed) log?.warn({ said: words, reason: ended.shortMessage }, 'systemd could not be told');
    hasFailed = ended.failed;
    if (ended.failed) keep(message);
  }

  function keep({ state, status }: Message): void {
    if (pending === nothing) unsaid = { state, status, beat: false };
    else pending = { ...pending, state: newer(pending.state, state), status: pending.status ?? status };
  }

  function say(part: Partial<Message>): void {
    if (isClosed) return;
    pending = { ...(pending === nothing ? unsaid : pending), ...part };
    unsaid = nothing;
    sending ??= sendAll();
  }

  return {
    intervalMs: watchdogInterval(environment),
    ready: (status) => {
      say({ state: ['READY=1'], status: oneLine(status) });
    },
    reloading: () => {
      say({ state: ['RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`] });
    },
    stopping: (status) => {
      say({ state: ['STOPPING=1'], status: oneLine(status) });
    },
    watchdog: () => {
      say({ beat: true });
    },
    status: (text) => {
      say({ status: oneLine(text) });
    },
    close: async () => {
      isClosed = true;
      await sending;
    },
  };
}

const silentNotifier: SystemdNotifier = {
  intervalMs: null,
  ready: () => undefined,
  reloading: () => undefined,
  stopping: () => undefined,
  watchdog: () => undefined,
  status: () => undefined,
  close: () => Promise.resolve(),
};

function newer(state: readonly string[], before: readonly string[]): readonly string[] {
  return state.length > 0 ? state : before;
}

/** Half the time after which systemd takes the service for hung. */
function watchdogInterval(environment: Environment): number | null {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = environment;
  if (microseconds === undefined || !/^[1-9]\d{0,15}$/.test(microseconds)) return null;
  if (pid !== undefined && pid !== '' && pid !== String(process.pid)) return null;
  return Math.max(1, Math.floor(Number(microseconds) / 2000));
}

/** A line end would begin another assignment. */
function oneLine(text: string): string {
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, longestStatus);
}
