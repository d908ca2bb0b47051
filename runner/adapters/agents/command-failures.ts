import { join } from 'node:path';
import { formatDuration } from '#shared/domain/duration.ts';
import { OpusError, type ErrorSummary } from '#shared/domain/errors.ts';
import type { AgentRequest } from '../../core/ports/agent.ts';
import type { SandboxResult } from '../../core/ports/sandbox.ts';
import { readHostileFile } from './result-file.ts';

/** An agent's word holds a job no longer than a week. */
const longestHoldMs = 7 * 86_400_000;

/** The agent in sentences: `agent coder of the code stage of FR-012-3`. */
export function agentOf(request: AgentRequest): string {
  return `agent ${request.profile.name} of the ${request.stage} stage of ${request.job}`;
}

/** The sandbox knows a program only; a person looks for the agent note. */
export function named(error: OpusError, request: AgentRequest): OpusError {
  if (error.code !== 'agent.not-found') return error;
  const message = `The ${agentOf(request)} could not be started: ${error.message.replace(/^The/, 'the')}`;
  const hint = `${error.hint ?? ''} It is named in ${request.profile.path}.`.trim();
  return new OpusError(error.code, message, { hint, details: error.details, cause: error });
}

export function endingError(request: AgentRequest, result: SandboxResult): ErrorSummary | null {
  const who = `The ${agentOf(request)}`;
  const hint = `Look with: opus job log ${request.job}`;
  switch (result.ending) {
    case 'timeout':
      return {
        code: 'agent.timeout',
        message: `${who} did not end within ${formatDuration(request.timeoutMs)} and was stopped with all its processes.`,
        hint: `${hint}; raise "timeout" in ${request.profile.path} if it needs longer.`,
      };
    case 'stalled':
      return {
        code: 'agent.stalled',
        message: `${who} printed nothing for ${formatDuration(request.stallMs)} and was stopped with all its processes.`,
        hint: `${hint}; raise "stall" in ${request.profile.path} if it works silently.`,
      };
    case 'memory':
      return {
        code: 'sandbox.memory',
        message: `${who} used more memory than the sandbox allows and was stopped.`,
        hint: 'Raise limits.memory in opus.yml if it needs more.',
      };
    case 'disk':
      return {
        code: 'sandbox.disk',
        message: `${who} wrote more to disk than the sandbox allows and was stopped.`,
        hint: 'Raise limits.disk in opus.yml if it needs more.',
      };
    case 'processes':
      return {
        code: 'sandbox.processes',
        message: `${who} started more processes than the sandbox allows and was stopped.`,
        hint: 'Raise limits.processes in opus.yml if it needs more.',
      };
    case 'exited':
    case 'aborted':
      return null;
  }
}

/** Agents that speak by sentinel files say `error` (JSON), `cancelled` or `timeout`; `done` needs no word here. */
export async function sentinelError(request: AgentRequest, outFolder: string): Promise<ErrorSummary | null> {
  const who = `The ${agentOf(request)}`;
  const error = await readHostileFile(join(outFolder, 'error'), `error sentinel of the ${agentOf(request)}`);
  const limit = error === null ? null : usageLimitOf(error);
  if (limit !== null) {
    return {
      code: 'agent.usage-limit',
      message: `${who} is at its usage limit${limit.until === undefined ? '' : ` until ${new Date(limit.until).toISOString()}`}.`,
      hint: `${request.job} goes on by itself then; no attempt is charged.`,
      ...limit,
    };
  }
  if (error !== null) {
    return {
      code: 'agent.failed',
      message: `${who} reported an error: ${messageOf(error)}`,
      hint: `Look with: opus job log ${request.job}`,
    };
  }
  if ((await readHostileFile(join(outFolder, 'timeout'), `timeout sentinel of the ${agentOf(request)}`)) !== null) {
    return {
      code: 'agent.timeout',
      message: `${who} reported a timeout of its own.`,
      hint: `Look with: opus job log ${request.job}`,
    };
  }
  if ((await readHostileFile(join(outFolder, 'cancelled'), `cancelled sentinel of the ${agentOf(request)}`)) !== null) {
    return {
      code: 'agent.canceled',
      message: `${who} reported that it was canceled.`,
      hint: `Go on with: opus job retry ${request.job}`,
    };
  }
  return null;
}

/** An `error` sentinel with `"code": "usage-limit"` says when the limit ends: `resetAt` (ISO 8601) or `retryAfter` (seconds). */
function usageLimitOf(text: string): { until?: number } | null {
  try {
    const parsed = JSON.parse(text) as { code?: unknown; resetAt?: unknown; retryAfter?: unknown };
    if (parsed.code !== 'usage-limit') return null;
    const at = typeof parsed.resetAt === 'string' ? Date.parse(parsed.resetAt) : NaN;
    const after = typeof parsed.retryAfter === 'number' ? Date.now() + parsed.retryAfter * 1_000 : NaN;
    const until = Number.isFinite(at) ? at : after;
    return Number.isFinite(until) ? { until: Math.min(until, Date.now() + longestHoldMs) } : {};
  } catch {
    return null;
  }
}

function messageOf(text: string): string {
  try {
    const parsed = JSON.parse(text) as { message?: unknown; error?: unknown };
    const message = parsed.message ?? parsed.error;
    if (typeof message === 'string') return message.slice(0, 500);
  } catch {
    // Plain text is as good.
  }
  return text.trim().slice(0, 500) || 'no message';
}

export function exitError(request: AgentRequest, result: SandboxResult): ErrorSummary | null {
  if (result.exitCode === 0) return null;
  const how = result.exitCode === null ? 'was killed by a signal' : `ended with exit code ${result.exitCode}`;
  const refused =
    result.refusedHosts.length > 0
      ? ` It asked for ${result.refusedHosts.join(', ')}, which its note's "network" does not name.`
      : '';
  const last = result.tail.trim().split('\n').at(-1)?.trim().slice(0, 200) ?? '';
  return {
    code: 'agent.failed',
    message: `The ${agentOf(request)} ${how}.${last === '' ? '' : ` Its last line: ${last}`}${refused}`,
    hint: `Look with: opus job log ${request.job}`,
  };
}

export function noResult(request: AgentRequest): OpusError {
  return new OpusError('agent.no-result', `The ${agentOf(request)} ended well but wrote no result.`, {
    hint: 'It must write JSON to the file named by OPUS_RESULT_FILE; docs/agent-contract.md shows each stage’s result.',
  });
}
