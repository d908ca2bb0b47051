import { formatDuration } from '#shared/domain/duration.ts';
import type { ErrorSummary } from '#shared/domain/errors.ts';
import type { AgentRequest } from '../../../core/ports/agent.ts';
import { agentOf, noResult } from '../command-failures.ts';
import { failureOf } from '../ended-run.ts';
import type { TurnRun } from './run-turn.ts';

const problems: Readonly<Record<string, string>> = {
  max_tokens: 'it reached the most tokens that its model may use in one answer',
  max_turn_requests: 'it used up the requests that it may make of its model in one turn',
  refusal: 'its model refused to go on',
};

/** Why a turn counts as failed; null when it went well. A turn that ended well counts, however the program ended afterwards. */
export function turnFailure(request: AgentRequest, run: TurnRun): ErrorSummary | null {
  const { turn, cut } = run;
  const reason = turn?.kind === 'stopped' ? turn.reason : null;
  if (reason === 'end_turn') return null;
  if (cut === 'stalled') return stalled(request);
  // The runner asks for that where the gateway refused; whether the agent still says so is a matter of luck.
  if (reason === 'cancelled' && cut === 'refused') return failed(request, run, null, null);
  if (reason === 'cancelled') {
    return {
      code: 'agent.canceled',
      message: `The ${agentOf(request)} says that its turn was canceled, which the runner did not ask for.`,
      hint: `Go on with: opus job retry ${request.job}`,
    };
  }
  const problem =
    reason === null ? brokenProblem(run) : (problems[reason] ?? `it stopped for a reason that is not known: ${reason}`);
  const status = turn?.kind === 'broken' ? turn.status : null;
  return failed(request, run, problem, status);
}

/** Some call a turn well ended in which their model was never reached. */
export function noResultFailure(request: AgentRequest, run: TurnRun): ErrorSummary {
  if (request.gateway?.refusal()) return failed(request, run, null, null);
  const { code, message, hint } = noResult(request).summary();
  const said = run.said.replace(/\s+/g, ' ').trim().slice(-300);
  return { code, message: said === '' ? message : `${message} Its last words: ${said}`, hint };
}

function failed(request: AgentRequest, run: TurnRun, problem: string | null, status: number | null): ErrorSummary {
  const ending = { ok: problem === null ? null : false, problem, status };
  const found = failureOf(
    request,
    { result: run.result, ending, limitedUntil: null },
    request.gateway?.refusal() ?? null,
  );
  return found ?? noResult(request).summary();
}

/** Nothing where the program's own end says more. */
function brokenProblem({ turn, result }: TurnRun): string | null {
  if (turn?.kind === 'broken' && turn.problem !== null) return turn.problem;
  return result.ending === 'aborted' ? 'it closed its connection before its turn was over, and did not end' : null;
}

function stalled(request: AgentRequest): ErrorSummary {
  return {
    code: 'agent.stalled',
    message: `The ${agentOf(request)} sent no update for ${formatDuration(request.stallMs)} and was stopped with all its processes.`,
    hint: `Look with: opus job log ${request.job}; raise "stall" in ${request.profile.path} if it works silently.`,
  };
}
