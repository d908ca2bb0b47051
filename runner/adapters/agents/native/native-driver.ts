import { readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenUsage } from '#shared/domain/agent-event.ts';
import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import { endpointsOf } from '../../../core/agents.ts';
import type { AgentDriver, AgentOutcome, AgentReport, AgentRequest } from '../../../core/ports/agent.ts';
import type { GatewayAccess } from '../../../core/ports/gateway.ts';
import type { Sandbox } from '../../../core/ports/sandbox.ts';
import {
  contractEnvironment,
  contractMounts,
  emptyReport,
  readResult,
  writeAttemptFiles,
} from '../attempt-contract.ts';
import { agentOf, named, noResult, sentinelError } from '../command-failures.ts';
import { claude } from './claude.ts';
import { failureOf } from '../ended-run.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';
import type { EventReader, NativeCli, NativeKind } from './native-cli.ts';
import { opencode } from './opencode.ts';
import { withOwnLogin, type LoginParts } from '../own-login.ts';
import { howToAsk, readQuestion } from '../question-file.ts';
import { programWords } from '../installed-cli.ts';
import { openReadableLog, type ReadableLog } from '../readable-log.ts';
import { resultInText } from '../result-in-text.ts';
import { runCliAgent, type CliRun } from './run-cli-agent.ts';

export interface NativeDriverOptions {
  readonly kind: NativeKind;
  readonly sandbox: Sandbox;
  /** Where the CLI lies; null when it is not installed. */
  readonly installed: (name: NativeKind) => { readonly path: string; readonly version: string } | null;
  /** The runner's environment, from which `env:` of an agent note passes names through. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `~` in `reads`. */
  readonly home: string;
  /** Milliseconds that an agent may go on without any progress after the gateway refused it. */
  readonly refusalGraceMs?: number;
}

const clis: Readonly<Record<NativeKind, NativeCli>> = { claude, codex, opencode, gemini };
const logBytes = 10_000_000;

/** How the events of a CLI are read, for what was recorded of it. */
export function readerOf(kind: NativeKind, options: Parameters<NativeCli['reader']>[0]): EventReader {
  return clis[kind].reader(options);
}

/** Whether what a CLI printed as it ended says that it does not know the conversation. */
export function isUnknownSession(kind: NativeKind, exitCode: number | null, printed: string): boolean {
  return clis[kind].isUnknownSession(exitCode, printed);
}

/** Drives a coding agent's own CLI: its events as they come, its conversation resumed, its end judged by more than its exit code. */
export function createNativeDriver(options: NativeDriverOptions): AgentDriver {
  return {
    async run(request) {
      try {
        return await withOwnLogin(options, request, (parts) => runNative(options, clis[options.kind], parts));
      } catch (thrown) {
        const error = named(toOpusError(thrown), request);
        return { kind: 'failed', error: error.summary(), report: emptyReport };
      }
    },
  };
}

async function runNative(
  options: NativeDriverOptions,
  cli: NativeCli,
  { request, sandbox, login }: LoginParts,
): Promise<AgentOutcome> {
  const model = wayToModel(request);
  const program = await programOf(options, cli);
  const paths = await writeAttemptFiles(request, (files) => `\n\n${howToAsk(files)}\n`);
  // One for each stage: what a coder leaves there must not speak to its reviewer.
  const kept = join(request.stateFolder, `${cli.kind}-${request.stage}`);
  const totals = await takeTotals(kept);
  const log = openReadableLog({ path: request.logFile, bytes: logBytes, onOutput: request.onOutput });
  const runOnce = (session: string | null, number: number): Promise<CliRun> =>
    runCliAgent({
      cli,
      sandbox,
      request,
      model,
      login,
      paths,
      program,
      env: contractEnvironment(options.environment, request, paths),
      mounts: contractMounts(options.home, request, paths),
      home: join(request.attemptFolder, `home-${number}`),
      kept,
      session,
      before: session !== null && totals?.session === session ? totals.usage : null,
      log,
      transcript: join(request.attemptFolder, 'transcript.log'),
      refusalGraceMs: options.refusalGraceMs ?? 15_000,
    });
  try {
    const first = await runOnce(request.session, 1);
    const run =
      startedNothing(request, first) && isUnknownSession(cli.kind, first.result.exitCode, wordsOf(first))
        ? await beginAfresh(log, () => runOnce(null, 2))
        : first;
    const durationMs = run === first ? run.result.durationMs : first.result.durationMs + run.result.durationMs;
    await keepTotals(kept, run);
    return await outcomeOf(request, model?.gateway ?? null, paths, run, durationMs);
  } finally {
    log.close();
  }
}

async function outcomeOf(
  request: AgentRequest,
  gateway: GatewayAccess | null,
  paths: Awaited<ReturnType<typeof writeAttemptFiles>>,
  run: CliRun,
  durationMs: number,
): Promise<AgentOutcome> {
  const { exitCode, tail, refusedHosts } = run.result;
  const report: AgentReport = { durationMs, exitCode, tail, refusedHosts, session: run.session };
  if (request.signal.aborted && run.result.ending === 'aborted') return { kind: 'canceled', report };
  const question = await readQuestion(request, paths);
  if (question !== null) return { kind: 'asked', question, report };
  const failure = failureOf(request, run, gateway?.refusal() ?? null) ?? (await sentinelError(request, paths.out));
  if (failure) return { kind: 'failed', error: failure, report };
  const result = (await readResult(request, paths)) ?? resultInText(run.ending.text);
  if (result === null && request.stage !== 'test') {
    return { kind: 'failed', error: noResult(request).summary(), report };
  }
  return { kind: 'finished', result, report };
}

/** Null for an agent with a login of its own, which reaches its model by the hosts that its note names. */
function wayToModel(request: AgentRequest): { gateway: GatewayAccess; endpoint: string } | null {
  const [endpoint] = endpointsOf(request.profile, request.model);
  if (request.gateway !== null && endpoint !== undefined) return { gateway: request.gateway, endpoint };
  if (endpoint === undefined && (request.profile.credentials ?? []).length > 0) return null;
  throw new OpusError('agent.credentials', `The ${agentOf(request)} has no way to a model.`, {
    hint:
      endpoint === undefined
        ? `Write "endpoints: [NAME]" into ${request.profile.path}, with a name under "models" in opus.yml.`
        : `Write models: { ${endpoint}: { key: env:… } } in opus.yml.`,
  });
}

async function programOf(options: NativeDriverOptions, cli: NativeCli): Promise<readonly string[]> {
  const found = options.installed(cli.kind);
  if (found === null) {
    throw new OpusError('agent.not-found', `The program ${cli.kind} (${cli.title}) is not installed.`, {
      hint: 'opus agents lists what is installed here.',
    });
  }
  await realpath(found.path).catch((cause: unknown) => {
    throw new OpusError('agent.not-found', `The program ${found.path} (${cli.title}) is gone.`, {
      hint: 'opus agents lists what is installed here.',
      cause,
    });
  });
  return await programWords(found.path);
}

/** Only then may a run be repeated: nothing was asked of a model. */
function startedNothing(request: AgentRequest, run: CliRun): boolean {
  return request.session !== null && !run.worked && run.result.ending === 'exited' && !request.signal.aborted;
}

function wordsOf(run: CliRun): string {
  return `${run.printed}\n${run.ending.problem ?? ''}`;
}

function beginAfresh(log: ReadableLog, run: () => Promise<CliRun>): Promise<CliRun> {
  log.write('(the conversation could not be resumed; beginning afresh with the whole context)');
  return run();
}

interface Totals {
  readonly session: string;
  readonly usage: TokenUsage;
}

/** Taken away as it is read: a run that is killed leaves none, and the next then knows that it does not know. */
async function takeTotals(kept: string): Promise<Totals | null> {
  const path = `${kept}.json`;
  try {
    const totals = JSON.parse(await readFile(path, 'utf8')) as Totals;
    await rm(path, { force: true });
    return totals;
  } catch {
    return null;
  }
}

async function keepTotals(kept: string, { session, ending }: CliRun): Promise<void> {
  if (session === null || ending.totals === null) return;
  await writeFile(`${kept}.json`, JSON.stringify({ session, usage: ending.totals } satisfies Totals));
}
