import { toOpusError, type ErrorSummary } from '#shared/domain/errors.ts';
import type { TokenUsage } from '#shared/domain/agent-event.ts';
import type { AgentFinding, AgentProblem } from '../compose-agents.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import { shortCount } from '../core/reporting/cost.ts';
import { plainLine, shortDuration } from './plain-text.ts';
import { inThisInstallation } from './program-name.ts';
import type { Terminal } from './terminal.ts';

/** One small question to an agent through its driver, the sandbox and the gateway. */
export interface Trial {
  readonly ok: boolean;
  readonly durationMs: number;
  readonly tokens: TokenUsage | null;
  /** US dollars; null when the price is not known. */
  readonly cost: number | null;
  readonly error: ErrorSummary | null;
}

const question = 'Answer with the one word "ready". Look at nothing and change nothing.';
const trialMs = 120_000;

/** One after the other, by name; agents that are started in the very same way are asked once. */
export async function tryAgents(
  terminal: Terminal,
  config: RunnerConfig,
  tried: readonly AgentFinding[],
  json: boolean,
): Promise<Map<string, Trial>> {
  const trials = new Map<string, Trial>();
  if (tried.length > 0 && !json) terminal.out('');
  for (const group of Map.groupBy(tried, startOf).values()) {
    if (terminal.signal.aborted) break;
    const [first] = group;
    if (first === undefined) continue;
    const names = group.map(({ name }) => name);
    if (!json && terminal.errIsTerminal) terminal.draw(`… trying ${names.join(', ')}`);
    const trial = await tryOne(terminal, config, first);
    if (!json && terminal.errIsTerminal) terminal.draw('\r\u001b[2K');
    for (const name of names) trials.set(name, trial);
    if (!json) showTrial(terminal, names, trial);
  }
  return trials;
}

/** All of a note that decides how its agent is started. */
function startOf({ name, profile, state }: AgentFinding): string {
  if (profile === null || state !== 'confirmed') return name;
  const idle = { name: '', path: '', stages: [], template: '', match: null, onlyNamed: false };
  const more = { skills: [], constraints: '', concurrency: null };
  // Twice, so that the keys stand in the same order in every note.
  return JSON.stringify({ ...idle, ...more, ...profile, ...idle, ...more });
}

async function tryOne({ environment, signal }: Terminal, config: RunnerConfig, agent: AgentFinding): Promise<Trial> {
  const begun = performance.now();
  const ended = (): number => Math.round(performance.now() - begun);
  const known = knownFailure(agent);
  if (known !== null) return failed(0, known);
  const limit = AbortSignal.timeout(trialMs);
  try {
    const { ask } = await import('../compose-ask.ts');
    const asked = { prompt: question, agent: agent.name, model: null, onText: () => undefined };
    const answer = await ask(config, { ...asked, signal: AbortSignal.any([signal, limit]) }, { environment });
    const { usage, cost } = answer;
    return { ok: true, durationMs: ended(), tokens: usage, cost, error: null };
  } catch (thrown) {
    const error = toOpusError(thrown).summary();
    if (!limit.aborted) return failed(ended(), error);
    const message = `The agent ${agent.name} gave no answer within ${shortDuration(trialMs)}.`;
    return failed(ended(), {
      ...error,
      code: 'agent.timeout',
      message,
      hint: `opus ask --agent ${agent.name} "Are you there?"`,
    });
  }
}

function failed(durationMs: number, error: ErrorSummary): Trial {
  return { ok: false, durationMs, tokens: null, cost: null, error };
}

const codes = {
  note: 'vault.agent-invalid',
  program: 'agent.not-found',
  'sign-in': 'config.secret-missing',
} as const satisfies Record<AgentProblem['what'], ErrorSummary['code']>;

/** What need not be tried to be known. */
function knownFailure({ problem, state, note }: AgentFinding): ErrorSummary | null {
  if (problem !== null) return { code: codes[problem.what], message: problem.message, hint: problem.hint };
  if (state !== 'new') return null;
  return { code: 'vault.agent-missing', message: `${note ?? ''} is not confirmed.`, hint: 'opus trust' };
}

function showTrial(terminal: Terminal, names: readonly string[], trial: Trial): void {
  const who = names.join(', ');
  if (trial.error === null) {
    const { tokens, cost } = trial;
    const took =
      tokens === null || tokens.input + tokens.output === 0
        ? []
        : [`${shortCount(tokens.input)} tokens in, ${shortCount(tokens.output)} out`];
    const price = took.length === 0 ? [] : [cost === null ? 'price not known' : `${cost.toFixed(4)} USD`];
    const said = [`answered in ${shortDuration(trial.durationMs)}`, ...took, ...price].join(' · ');
    terminal.out(`${terminal.paint('out', 'green', '✓')} ${who}  ${terminal.paint('out', 'dim', said)}`);
    return;
  }
  const { message, hint } = trial.error;
  terminal.out(`${terminal.paint('out', 'red', '✗')} ${who}  ${plainLine(message, 500)}`);
  if (hint === null || hint === '') return;
  terminal.out(`  ${terminal.paint('out', 'cyan', '→')} ${plainLine(inThisInstallation(hint, terminal), 500)}`);
}
