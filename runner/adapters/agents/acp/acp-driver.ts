import { randomInt } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentEvent } from '#shared/domain/agent-event.ts';
import { toOpusError } from '#shared/domain/errors.ts';
import { endpointsOf } from '../../../core/agents.ts';
import type { AgentDriver, AgentOutcome, AgentReport, AgentRequest } from '../../../core/ports/agent.ts';
import type { ModelProtocol } from '../../../core/ports/gateway.ts';
import type { Sandbox } from '../../../core/ports/sandbox.ts';
import {
  contractEnvironment,
  contractMounts,
  emptyReport,
  readResult,
  writeAttemptFiles,
  type AttemptPaths,
} from '../attempt-contract.ts';
import { commandValues, fillCommand } from '../command-line.ts';
import { named, sentinelError } from '../command-failures.ts';
import { withOwnLogin, type LoginParts } from '../own-login.ts';
import { howToAsk, readQuestion } from '../question-file.ts';
import { lineOf, openReadableLog } from '../readable-log.ts';
import { resultInText } from '../result-in-text.ts';
import { noResultFailure, turnFailure } from './turn-failures.ts';
import { modelEnvironment, plainModel, type ModelEnvironment } from './model-environment.ts';
import { runTurn, type TurnRun } from './run-turn.ts';

export interface AcpDriverOptions {
  readonly sandbox: Sandbox;
  /** The folder of opus.yml, for `{{config_dir}}`. */
  readonly configFolder: string;
  /** The runner's environment, from which `env:` of an agent note passes names through. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `~` in `reads`. */
  readonly home: string;
  /** How a name under `models` in opus.yml speaks; null when there is no such name. */
  readonly protocolOf: (endpoint: string) => ModelProtocol | null;
  /** Milliseconds that an agent has to end by itself when its turn is over or was canceled. */
  readonly graceMs?: number;
  /** Milliseconds that an agent may go on without any progress after the gateway refused it. */
  readonly refusalGraceMs?: number;
}

const logBytes = 10_000_000;

/** Drives any agent that speaks the Agent Client Protocol, version 1, over its standard input and output. */
export function createAcpDriver(options: AcpDriverOptions): AgentDriver {
  return {
    async run(request) {
      try {
        return await withOwnLogin(options, request, (parts) => runAcp(options, parts));
      } catch (thrown) {
        const error = named(toOpusError(thrown), request);
        return { kind: 'failed', error: error.summary(), report: emptyReport };
      }
    },
  };
}

async function runAcp(options: AcpDriverOptions, { request, sandbox, login }: LoginParts): Promise<AgentOutcome> {
  // Without a sandbox the port is the machine's own, where other jobs have theirs.
  const port = randomInt(20_000, 32_000);
  const endpoints = endpointsOf(request.profile, request.model);
  const models = modelsOf(options, request, port, endpoints);
  const paths = await writeAttemptFiles(request);
  const command = fillCommand(request, {
    ...commandValues(options.configFolder, request, paths),
    ...models.placeholders,
  });
  const home = await prepareHome(request);
  await login.place(home);
  const log = openReadableLog({ path: request.logFile, bytes: logBytes, onOutput: request.onOutput });
  try {
    const run = await runTurn({
      sandbox,
      request,
      log,
      command,
      prompt: `${request.prompt}\n\n${whereTheResultBelongs(paths)} ${howToAsk(paths)}`,
      model: plainModel(request.model, endpoints[0]),
      env: { ...contractEnvironment(options.environment, request, paths), ...models.env, HOME: home },
      mounts: [...contractMounts(options.home, request, paths), { source: home, mode: 'read-write' }],
      forwards: request.gateway === null ? [] : [{ port, socketPath: request.gateway.socketPath }],
      work: paths.work,
      graceMs: options.graceMs ?? 5_000,
      refusalGraceMs: options.refusalGraceMs ?? 15_000,
      tell: (event: AgentEvent) => {
        const line = lineOf(event);
        if (line !== null) log.write(line);
        request.onEvent?.(event);
      },
    });
    return await outcomeOf(request, paths, run, log.tail());
  } finally {
    log.close();
  }
}

async function outcomeOf(
  request: AgentRequest,
  paths: AttemptPaths,
  run: TurnRun,
  tail: string,
): Promise<AgentOutcome> {
  const { durationMs, exitCode, refusedHosts } = run.result;
  const report: AgentReport = { durationMs, exitCode, tail, refusedHosts, session: run.session };
  if (run.cut === 'canceled') return { kind: 'canceled', report };
  if (run.turn?.kind === 'asked') return { kind: 'asked', question: run.turn.question, report };
  const question = await readQuestion(request, paths);
  if (question !== null) return { kind: 'asked', question, report };
  const failure = (await sentinelError(request, paths.out)) ?? turnFailure(request, run);
  if (failure) return { kind: 'failed', error: failure, report };
  const result = (await readResult(request, paths)) ?? resultInText(run.said);
  if (result !== null || request.stage === 'test') return { kind: 'finished', result, report };
  return { kind: 'failed', error: noResultFailure(request, run), report };
}

/** The agent knows it by its environment alone, and not all of them look there. */
function whereTheResultBelongs(paths: AttemptPaths): string {
  return `The result file (OPUS_RESULT_FILE) is ${paths.result}. If you cannot write it, answer at the end with its JSON and nothing else.`;
}

function modelsOf(
  { protocolOf }: AcpDriverOptions,
  { gateway, model }: AgentRequest,
  port: number,
  endpoints: readonly string[],
): ModelEnvironment {
  if (gateway === null) return { env: {}, placeholders: { model_url: '', model_key: '' } };
  return modelEnvironment({ gateway, port, endpoints, protocolOf, model });
}

/**
 * Where agents keep conversations is not known of every agent, so the whole HOME is kept, for one stage and for as long
 * as its conversation is gone on with: what a coder leaves there must not speak to a reviewer.
 */
async function prepareHome(request: AgentRequest): Promise<string> {
  const home = join(request.stateFolder, `home-${request.stage}`);
  if (request.session === null) await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true, mode: 0o700 });
  return home;
}
