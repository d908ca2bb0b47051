import type { ErrorSummary } from '#shared/domain/errors.ts';
import type { AgentRequest } from '../../core/ports/agent.ts';
import type { GatewayRefusal } from '../../core/ports/gateway.ts';
import { agentOf, endingError, exitError } from './command-failures.ts';
import type { SandboxResult } from '../../core/ports/sandbox.ts';

/** How an agent came to its end: what its processes did, and what it said. */
export interface EndedRun {
  readonly result: SandboxResult;
  /** When the provider said that its limit ends. */
  readonly limitedUntil: number | null;
  readonly ending: {
    /** Null when it did not say. */
    readonly ok: boolean | null;
    readonly problem: string | null;
    /** The HTTP status that it failed with. */
    readonly status: number | null;
  };
}

/** A provider's word holds a job no longer than a week. */
const longestHoldMs = 7 * 86_400_000;

/**
 * Why a run counts as failed; null when it went well. What the gateway refused explains all that follows from it, and
 * an exit code counts only together with what the agent said: of both, every CLI has one that lies.
 */
export function failureOf(request: AgentRequest, run: EndedRun, refusal: GatewayRefusal | null): ErrorSummary | null {
  const { result, ending } = run;
  if (result.ending === 'exited' && result.exitCode === 0 && ending.ok === true) return null;
  if (refusal !== null) return refusalError(request, refusal);
  return endingError(request, result) ?? statusError(request, run) ?? plainError(request, run);
}

function refusalError(request: AgentRequest, refusal: GatewayRefusal): ErrorSummary {
  const who = `The ${agentOf(request)}`;
  switch (refusal.kind) {
    case 'budget':
      return {
        code: 'agent.budget',
        message: `${who} was stopped because its budget is spent: ${refusal.message}`,
        hint: `Raise the budget in the note, then: opus job retry ${request.job}`,
      };
    case 'credentials':
      return {
        code: 'agent.credentials',
        message: `${who} was refused by the model's provider: ${refusal.message}`,
        hint: `Mend the credentials under "models" in opus.yml, then: opus job retry ${request.job}`,
      };
    case 'usage-limit':
      return usageLimit(request, refusal.until, refusal.message);
  }
}

function usageLimit(request: AgentRequest, until: number | null, message: string): ErrorSummary {
  const limited = until === null ? null : Math.min(until, Date.now() + longestHoldMs);
  return {
    code: 'agent.usage-limit',
    message: `The ${agentOf(request)} is at its usage limit${limited === null ? '' : ` until ${new Date(limited).toISOString()}`}: ${message}`,
    hint: `${request.job} goes on by itself then; no attempt is charged.`,
    ...(limited === null ? {} : { until: limited }),
  };
}

function statusError(request: AgentRequest, { ending, limitedUntil }: EndedRun): ErrorSummary | null {
  const words = ending.problem ?? 'the provider gave no reason';
  if (ending.status === 429) return usageLimit(request, limitedUntil, words);
  if (ending.status !== 401 && ending.status !== 403) return null;
  return refusalError(request, { kind: 'credentials', message: `${words} (HTTP ${ending.status})` });
}

function plainError(request: AgentRequest, { result, ending }: EndedRun): ErrorSummary {
  const hint = `Look with: opus job log ${request.job}`;
  const said = ending.problem?.trim() ?? '';
  if (said !== '') {
    return { code: 'agent.failed', message: `The ${agentOf(request)} failed: ${said.slice(0, 500)}`, hint };
  }
  const exit = exitError(request, result);
  if (exit !== null) return exit;
  const how = ending.ok === null ? 'ended without saying that it was done' : 'said that it failed';
  return { code: 'agent.failed', message: `The ${agentOf(request)} ${how}.`, hint };
}
