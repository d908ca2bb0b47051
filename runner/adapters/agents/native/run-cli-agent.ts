import { randomInt } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AgentEvent, TokenUsage } from '#shared/domain/agent-event.ts';
import type { AgentRequest } from '../../../core/ports/agent.ts';
import type { GatewayAccess } from '../../../core/ports/gateway.ts';
import type { Mount, Sandbox, SandboxResult } from '../../../core/ports/sandbox.ts';
import type { OwnLogin } from '../own-login.ts';
import type { AttemptPaths } from '../attempt-contract.ts';
import { createEventLines } from '../event-lines.ts';
import { textOf } from '../json-values.ts';
import type { CliEnding, NativeCli } from './native-cli.ts';
import { lineOf, type ReadableLog } from '../readable-log.ts';
import { watchRefusals } from '../refusal-watch.ts';

export interface CliRunOptions {
  readonly cli: NativeCli;
  readonly sandbox: Sandbox;
  readonly request: AgentRequest;
  /** The gateway, and the name under `models` in opus.yml; null for an agent with a login of its own. */
  readonly model: { readonly gateway: GatewayAccess; readonly endpoint: string } | null;
  readonly login: OwnLogin;
  readonly paths: AttemptPaths;
  /** What comes before the CLI's arguments. */
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** A folder that does not exist yet. */
  readonly home: string;
  /** Outlives the run; the CLI finds its conversations there. */
  readonly kept: string;
  readonly session: string | null;
  /** What the conversation had used when it was left; null when that is not known. */
  readonly before: TokenUsage | null;
  readonly log: ReadableLog;
  /** What the CLI printed as it printed it. */
  readonly transcript: string;
  readonly refusalGraceMs: number;
}

export interface CliRun {
  readonly result: SandboxResult;
  readonly ending: CliEnding;
  readonly session: string | null;
  /** Whether the model answered at all. */
  readonly worked: boolean;
  /** The last of what it printed beside events. */
  readonly printed: string;
  /** When the provider said that its limit ends. */
  readonly limitedUntil: number | null;
}

/** Stands in the agent's environment where a key would; the gateway knows none by it. */
const key = 'opus-gateway';
const longestPrinted = 8_000;

/** The sandbox has a HOME of its own for everyone, and standard input must end. */
const start = 'export HOME="$OPUS_AGENT_HOME"; exec "$@" < "$OPUS_PROMPT_FILE"';

/** Runs one CLI once, in the sandbox, and tells its events as they come. Rejects as the sandbox does. */
export async function runCliAgent(options: CliRunOptions): Promise<CliRun> {
  const { cli, request, model, home, kept, log, session } = options;
  // Without a sandbox the port is the machine's own, where other jobs have theirs.
  const port = randomInt(20_000, 32_000);
  const way = model && {
    endpoint: model.endpoint,
    baseUrl: `http://127.0.0.1:${port}${model.gateway.pathOf(model.endpoint)}`,
    key,
  };
  const invocation = cli.invocation({ request, session, model: way, home, work: options.paths.work });
  await prepareHome(home, join(home, cli.conversations), kept, invocation.files ?? {});
  await options.login.place(home, { [cli.conversations]: kept });

  const reader = cli.reader({ resumed: session !== null, before: options.before });
  const refusals = model && watchRefusals(model.gateway, options.refusalGraceMs);
  const seen = { session: null as string | null, worked: false, limitedUntil: null as number | null };
  let printed = '';
  const print = (line: string): void => {
    printed = `${printed}${line}\n`.slice(-longestPrinted);
    log.write(line.slice(0, 2_000));
  };
  const tell = (event: AgentEvent): void => {
    if (event.kind === 'session') seen.session = event.id;
    if (event.kind === 'rate-limit') seen.limitedUntil = event.until ?? seen.limitedUntil;
    if (event.kind === 'tool-call' || event.kind === 'usage') seen.worked = true;
    refusals?.saw(event);
    const line = lineOf(event);
    if (line !== null) log.write(line);
    request.onEvent?.(event);
  };
  const events = createEventLines({
    onEvent: (event) => {
      const said = reader.read(event);
      // A newer version may say more than is known here.
      if (said === null)
        log.write(`(${cli.title} sent an event that is not known: ${textOf(event['type']).slice(0, 80)})`);
      for (const one of said ?? []) tell(completed(one, request));
    },
    onText: print,
  });
  const errors = createEventLines({
    onEvent: (event) => {
      print(JSON.stringify(event));
    },
    onText: print,
  });

  try {
    const result = await options.sandbox.run({
      argv: ['/bin/sh', '-c', start, 'sh', ...options.program, ...invocation.args],
      cwd: request.tree.path,
      env: { ...options.env, ...invocation.env, OPUS_AGENT_HOME: home },
      mounts: [...options.mounts, { source: home, mode: 'read-write' }, { source: kept, mode: 'read-write' }],
      hidden: request.hidden,
      network: request.profile.network,
      forwards: model === null ? [] : [{ port, socketPath: model.gateway.socketPath }],
      limits: request.limits,
      timeoutMs: request.timeoutMs,
      stallMs: request.stallMs,
      signal: refusals === null ? request.signal : AbortSignal.any([request.signal, refusals.signal]),
      logFile: options.transcript,
      onOutput: (text, stream) => {
        (stream === 'stdout' ? events : errors).take(text);
      },
    });
    events.finish();
    errors.finish();
    const { session: found, worked, limitedUntil } = seen;
    return {
      result: { ...result, tail: log.tail() },
      ending: endingOf(cli, reader.ending(), result),
      session: found,
      worked,
      printed,
      limitedUntil,
    };
  } finally {
    refusals?.stop();
  }
}

function endingOf(cli: NativeCli, ending: CliEnding, { exitCode }: SandboxResult): CliEnding {
  if (ending.ok === true || ending.status !== null || exitCode === null) return ending;
  return { ...ending, status: cli.statusOfExit?.(exitCode) ?? null };
}

/** Not every CLI says which model it asked, and some name files of the tree by their whole path. */
function completed(event: AgentEvent, request: AgentRequest): AgentEvent {
  if (event.kind === 'usage' && event.model === '') return { ...event, model: request.model };
  const folder = `${request.tree.path}/`;
  if (event.kind !== 'file-change' || !event.path.startsWith(folder)) return event;
  return { ...event, path: event.path.slice(folder.length) };
}

/**
 * A HOME made anew for each run: what an earlier run left in it would be settings and programs of its choice, and links
 * to write through. The conversations alone lie elsewhere, in a folder whose place no agent can change.
 */
async function prepareHome(
  home: string,
  conversations: string,
  kept: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await mkdir(dirname(conversations), { recursive: true, mode: 0o700 });
  await mkdir(kept, { recursive: true, mode: 0o700 });
  await symlink(kept, conversations);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), text);
  }
}
