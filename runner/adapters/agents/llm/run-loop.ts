import { setTimeout as pause } from 'node:timers/promises';
import type { ErrorSummary } from '#shared/domain/errors.ts';
import { stageResults } from '#shared/domain/stage.ts';
import { MalformedJson, type AgentRequest } from '../../../core/ports/agent.ts';
import type { GatewayAccess } from '../../../core/ports/gateway.ts';
import { agentOf } from '../command-failures.ts';
import { resultInText } from '../result-in-text.ts';
import { submitTool } from './closing-tools.ts';
import type { Conversation } from './conversation.ts';
import type { GatewayModel } from './gateway-model.ts';
import { afreshNote, cutReminder, instructionsFor, submitReminder } from './instructions.ts';
import { providerFailure } from './model-failures.ts';
import { runModelStep, type ModelStep, type StepEnd } from './model-step.ts';
import type { PreparedTools } from './prepare-tools.ts';
import type { RunClock } from './run-clock.ts';
import type { Telling } from './telling.ts';

export interface Loop {
  readonly request: AgentRequest;
  readonly model: GatewayModel;
  readonly conversation: Conversation;
  readonly clock: RunClock;
  readonly prepared: PreparedTools;
  readonly telling: Telling;
  readonly gateway: GatewayAccess;
  readonly steps: number;
  readonly retryMs: number;
}

export type LoopEnd =
  | { readonly kind: 'submitted'; readonly result: unknown }
  | { readonly kind: 'asked'; readonly question: string }
  | { readonly kind: 'failed'; readonly error: ErrorSummary };

/** How often a model is asked again that did not begin to answer. */
const retries = 2;
/** A provider that asks for a longer wait is at its limit. */
const longestWaitMs = 30_000;

/** Model, tools, model, … until the result is handed over or a person is asked. Rejects with what a provider or a sandbox said. */
export async function runLoop(loop: Loop): Promise<LoopEnd> {
  const { request, conversation, prepared, steps } = loop;
  const { messages } = conversation;
  const text = conversation.resumed ? `${request.prompt}\n\n${afreshNote}` : request.prompt;
  messages.push({ role: 'user', content: text });
  let isReminded = false;
  for (let step = 1; step <= steps; step += 1) {
    const mustSubmit = isReminded || step === steps;
    const end = await answered(loop, mustSubmit ? [submitTool] : null);
    messages.push(...end.messages);
    await conversation.save();
    const broken = prepared.broken();
    if (broken !== null) throw broken;
    const { result, question } = prepared.closing;
    if (result !== null) return { kind: 'submitted', result: result.value };
    if (question !== null) return { kind: 'asked', question };
    if (end.finish === 'refused') return { kind: 'failed', error: refusedByModel(request, end) };
    if (end.finish === 'cut') {
      messages.push({ role: 'user', content: cutReminder });
      continue;
    }
    if (end.calledTools && !mustSubmit) continue;
    const said = resultInText(end.text);
    if (said !== null && (mustSubmit || stageResults[request.stage].safeParse(said).success)) {
      return { kind: 'submitted', result: said };
    }
    if (mustSubmit) return withoutResult(request, end, step === steps);
    isReminded = true;
    messages.push({ role: 'user', content: submitReminder });
  }
  return withoutResult(request, null, true);
}

/** Asks again only where nothing of an answer had come and no tool had run. */
async function answered(loop: Loop, left: readonly string[] | null): Promise<StepEnd> {
  const { request, model, conversation, clock, prepared, telling, gateway } = loop;
  for (let failed = 0; ; failed += 1) {
    const seen = { anything: false };
    const step: ModelStep = {
      model,
      instructions: instructionsFor(request, prepared.names),
      messages: conversation.messages,
      tools: prepared.tools,
      left,
      signal: clock.signal,
      onEvent: (event) => {
        seen.anything = true;
        telling.tell(event);
      },
      onText: () => {
        seen.anything = true;
      },
      onProgress: () => {
        clock.touch();
      },
    };
    try {
      clock.touch();
      return await runModelStep(step);
    } catch (thrown) {
      const { status, retryAfterMs } = providerFailure(thrown);
      const isPassing = status === 429 ? retryAfterMs !== null : status !== null && status >= 500;
      const waitMs = retryAfterMs ?? loop.retryMs * 4 ** failed;
      const mayGoOn = isPassing && waitMs <= longestWaitMs && gateway.refusal() === null;
      if (seen.anything || clock.signal.aborted || failed >= retries || !mayGoOn) throw thrown;
      await pause(waitMs, undefined, { signal: clock.signal });
    }
  }
}

function refusedByModel(request: AgentRequest, { text }: StepEnd): ErrorSummary {
  const said = text.trim() === '' ? '' : ` It said: ${text.trim().slice(0, 300)}`;
  return {
    code: 'agent.failed',
    message: `The model of the ${agentOf(request)} refused to answer because of the content.${said}`,
    hint: `Look with: opus job log ${request.job}; another model may answer.`,
  };
}

function withoutResult(request: AgentRequest, end: StepEnd | null, isLastStep: boolean): LoopEnd {
  // A test agent's word is advice, and may be missing.
  if (request.stage === 'test' && !isLastStep) return { kind: 'submitted', result: null };
  if (end?.calledTools === true && end.problem !== null && !isLastStep) {
    return { kind: 'submitted', result: new MalformedJson(end.problem) };
  }
  const message = isLastStep
    ? `The ${agentOf(request)} had not ended after as many answers as it may give.`
    : `The ${agentOf(request)} ended without handing over a result.`;
  return {
    kind: 'failed',
    error: { code: 'agent.no-result', message, hint: `Look with: opus job log ${request.job}` },
  };
}
