/**
 * A place where untrusted programs run. An implementation promises: nothing but `mounts` and system folders is
 * visible, the environment is exactly `env` plus PATH, and HOME unless `env` has one, no network but `network`, and when the
 * promise of `run` settles no process of it is left, however it ended.
 */
export interface Sandbox {
  /** Runs the real thing once. Never throws; a sandbox that cannot work says why and what mends it. */
  probe(): Promise<SandboxProbe>;
  /** Rejects only with OpusError `sandbox.*` or `agent.not-found` (argv[0] does not exist); a non-zero exit is a result. */
  run(request: SandboxRequest): Promise<SandboxResult>;
}

export type SandboxProbe =
  | { readonly kind: 'isolated'; readonly caps: 'cgroup' | 'rlimit'; readonly detail: string }
  | { readonly kind: 'none'; readonly reason: string; readonly hint: string };

export interface Mount {
  readonly source: string;
  /** Defaults to `source`. */
  readonly target?: string;
  readonly mode: 'read-only' | 'read-write';
}

export interface SandboxLimits {
  /** Bytes in all processes together. */
  readonly memory: number;
  readonly processes: number;
  /** Bytes of one file, and how much the writable mounts may grow. */
  readonly disk: number;
}

export const defaultSandboxLimits: SandboxLimits = { memory: 4 * 1024 ** 3, processes: 512, disk: 2 * 1024 ** 3 };

export interface SandboxRequest {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** The whole environment besides PATH, and HOME where this has none. */
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** Paths that must never be visible even where a toolchain folder would show them: vault, data, repositories. */
  readonly hidden: readonly string[];
  /** `host` or `host:port`; empty means no network at all. */
  readonly network: readonly string[];
  /** Ports of the sandbox's own loopback that lead to a unix socket outside, whatever `network` says. */
  readonly forwards?: readonly { readonly port: number; readonly socketPath: string }[];
  readonly limits: SandboxLimits;
  /** Milliseconds for the whole run. */
  readonly timeoutMs: number;
  /** Milliseconds without output before the run counts as stalled; absent = never. */
  readonly stallMs?: number;
  /** Aborting ends every process of the run. */
  readonly signal?: AbortSignal;
  /** Appended with all output, bounded; the file is made with its folders. */
  readonly logFile?: string;
  /** Called with output as it arrives; must not throw. */
  readonly onOutput?: (text: string, stream: 'stdout' | 'stderr') => void;
  /** Bytes of standard output to return raw as `stdout`, for tools of our own; 0 (the default) mixes it into the log. */
  readonly captureStdout?: number;
  /** Texts in whose place stars stand in all output, in the log and in a conversation; not in `captureStdout`. */
  readonly withheld?: readonly string[];
  /** For a program that is spoken with while it runs; its standard output then goes there alone. */
  readonly conversation?: SandboxConversation;
}

export interface SandboxConversation {
  /** Called once, as soon as the program runs; must not throw. Not called when the run is aborted before. */
  onStart(streams: SandboxStreams): void;
}

/** They end with the run at the latest. `stallMs` knows nothing of what goes through them. */
export interface SandboxStreams {
  /** `done` says when it was taken; with an error when it never will be. */
  write(text: string, done: (error?: Error | null) => void): void;
  /** Ends the program's standard input. */
  end(): void;
  /** To be read to its end; what nobody has read a second after the program's end is lost, and iterating fails then. */
  readonly stdout: AsyncIterable<Uint8Array>;
}

export type SandboxEnding = 'exited' | 'timeout' | 'stalled' | 'aborted' | 'memory' | 'disk' | 'processes';

export interface SandboxResult {
  readonly ending: SandboxEnding;
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly durationMs: number;
  /** The last output, at most 16 kB, cut at a line, control characters removed. */
  readonly tail: string;
  readonly outputBytes: number;
  readonly stdout: Uint8Array;
  /** Hosts that were asked for and not allowed, each once. */
  readonly refusedHosts: readonly string[];
}
