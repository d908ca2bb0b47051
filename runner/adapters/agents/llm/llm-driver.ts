import { OpusError, toOpusError, type ErrorSummary } from '#shared/domain/errors.ts';
import type { AgentDriver, AgentOutcome, AgentReport, AgentRequest } from '../../../core/ports/agent.ts';
import type { GatewayAccess } from '../../../core/ports/gateway.ts';
import type { Sandbox } from '../../../core/ports/sandbox.ts';
import { emptyReport } from '../attempt-contract.ts';
import { agentOf, endingError } from '../command-failures.ts';
import { openReadableLog } from '../readable-log.ts';
import { openConversation, type Conversation } from './conversation.ts';
import { gatewayModel } from './gateway-model.ts';
import { failureSummary, isContextTooLong, providerFailure, type FailureSubject } from './model-failures.ts';
import { parseModelName, type ModelEndpoints } from './model-name.ts';
import { prepareTools } from './prepare-tools.ts';
import { createRunClock, type RunClock } from './run-clock.ts';
import { runLoop, type LoopEnd } from './run-loop.ts';
import { createTelling, type Telling } from './telling.ts';

export interface LlmDriverOptions {
  readonly sandbox: Sandbox;
  /** `models` of opus.yml as it is now. */
  readonly endpoints: () => ModelEndpoints;
  /** The runner's environment, from which `env:` of an agent note passes names through to commands. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `~` in `reads`. */
  readonly home: string;
  /** Answers of the model in one run, at most. */
  readonly steps?: number;
  /** Milliseconds before a model that could not answer is asked again, the first time. */
  readonly retryMs?: number;
}

const usualSteps = 150;
const usualRetryMs = 1_000;
const logBytes = 10_000_000;

/** The agent that needs no program: the model is asked from here, through the gateway, and its tools run in the sandbox. */
export function createLlmDriver(options: LlmDriverOptions): AgentDriver {
  return {
    async run(request) {
      try {
        return await runLlm(options, request);
      } catch (thrown) {
        return { kind: 'failed', error: toOpusError(thrown).summary(), report: emptyReport };
      }
    },
  };
}

async function runLlm(options: LlmDriverOptions, request: AgentRequest): Promise<AgentOutcome> {
  const { profile } = request;
  const endpoints = options.endpoints();
  const name = parseModelName(request.model, endpoints, profile.path);
  const gateway = requireGateway(request);
  const subject: FailureSubject = {
    who: `The ${agentOf(request)}`,
    model: name,
    namedIn: profile.path,
    goOn: `opus job retry ${request.job}`,
  };
  const conversation = await openConversation(request.stateFolder, request.session);
  const log = openReadableLog({ path: request.logFile, bytes: logBytes, onOutput: request.onOutput });
  const telling = createTelling(request, log);
  const clock = createRunClock(request);
  const begun = performance.now();
  try {
    const protocol = endpoints[name.endpoint]?.protocol ?? 'openai-compatible';
    const model = await gatewayModel(gateway, name, protocol);
    const prepared = await prepareTools({ ...options, request, clock, telling });
    telling.tell({ kind: 'session', id: conversation.id });
    if (request.session !== null && !conversation.resumed) {
      log.write('(the conversation could not be resumed; beginning afresh with the whole context)');
    }
    const ending = await endOf(clock, () =>
      runLoop({
        request,
        model,
        conversation,
        clock,
        prepared,
        telling,
        gateway,
        steps: options.steps ?? usualSteps,
        retryMs: options.retryMs ?? usualRetryMs,
      }),
    );
    const report = (session: string | null): AgentReport => ({
      durationMs: Math.round(performance.now() - begun),
      exitCode: null,
      tail: log.tail(),
      refusedHosts: prepared.refusedHosts(),
      session,
    });
    return outcomeOf({ request, subject, gateway, conversation, clock, telling, report }, ending);
  } finally {
    clock.stop();
    log.close();
  }
}

type Ending = { readonly kind: 'end'; readonly end: LoopEnd } | { readonly kind: 'thrown'; readonly thrown: unknown };

/** Settles when no tool of the run is at work any more. */
async function endOf(clock: RunClock, run: () => Promise<LoopEnd>): Promise<Ending> {
  try {
    return { kind: 'end', end: await run() };
  } catch (thrown) {
    // What a tool is still at would be waited for.
    clock.giveUp();
    return { kind: 'thrown', thrown };
  } finally {
    await clock.toolsDone();
  }
}

interface OutcomeContext {
  readonly request: AgentRequest;
  readonly subject: FailureSubject;
  readonly gateway: GatewayAccess;
  readonly conversation: Conversation;
  readonly clock: RunClock;
  readonly telling: Telling;
  readonly report: (session: string | null) => AgentReport;
}

function outcomeOf(context: OutcomeContext, ending: Ending): AgentOutcome {
  const { clock, conversation, telling } = context;
  const ended = clock.ended();
  if (ended === 'canceled') {
    telling.done(false);
    return { kind: 'canceled', report: context.report(conversation.id) };
  }
  if (ended !== null || ending.kind === 'thrown') {
    const { error, session } = failureOf(context, ended, ending);
    telling.done(false, error.message);
    return { kind: 'failed', error, report: context.report(session) };
  }
  const report = context.report(conversation.id);
  const { end } = ending;
  switch (end.kind) {
    case 'submitted':
      telling.done(true);
      return { kind: 'finished', result: end.result, report };
    case 'asked':
      telling.tell({ kind: 'question', question: end.question });
      telling.done(true);
      return { kind: 'asked', question: end.question, report };
    case 'failed':
      telling.done(false, end.error.message);
      return { kind: 'failed', error: end.error, report };
  }
}

function failureOf(
  { request, subject, gateway, conversation, telling }: OutcomeContext,
  ended: 'timeout' | 'stalled' | null,
  ending: Ending,
): { readonly error: ErrorSummary; readonly session: string | null } {
  // A provider that is at its limit is often one that hangs.
  const refusal = gateway.refusal();
  if (ended !== null && refusal === null) {
    const result = { ending: ended, exitCode: null, durationMs: 0, tail: '', outputBytes: 0, refusedHosts: [] };
    const error = endingError(request, { ...result, stdout: new Uint8Array() });
    if (error !== null) return { error, session: conversation.id };
  }
  const thrown = ending.kind === 'thrown' ? ending.thrown : null;
  if (thrown instanceof OpusError) return { error: thrown.summary(), session: conversation.id };
  const failure = providerFailure(thrown);
  const error = failureSummary(subject, failure, refusal);
  if (error.code === 'agent.usage-limit') {
    telling.tell({ kind: 'rate-limit', until: error.until ?? null, message: failure.words });
  }
  // Whoever resumes what a model cannot read any more fails again.
  return { error, session: refusal === null && isContextTooLong(failure) ? null : conversation.id };
}

function requireGateway(request: AgentRequest): GatewayAccess {
  if (request.gateway !== null) return request.gateway;
  throw new OpusError('agent.credentials', `The ${agentOf(request)} has no way to a model.`, {
    hint: 'Write into opus.yml, for example: models: { anthropic: { key: env:ANTHROPIC_API_KEY } }',
  });
}
