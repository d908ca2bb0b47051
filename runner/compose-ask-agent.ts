import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import { createBubblewrapSandbox } from './adapters/sandbox/bubblewrap.ts';
import { createDrivers } from './compose-drivers.ts';
import { chooseSandbox } from './compose-sandbox.ts';
import type { RunnerConfig } from './core/configuration.ts';
import type { AgentOutcome, AgentProfile, AgentRequest } from './core/ports/agent.ts';
import type { GatewayAccess } from './core/ports/gateway.ts';
import { hiddenPaths } from './engine/stages/hidden-paths.ts';

export interface AskAgent {
  readonly config: RunnerConfig;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly question: {
    readonly prompt: string;
    readonly signal: AbortSignal;
    /** What the agent says, as it says it; must not throw. */
    readonly onText: (text: string) => void;
  };
  readonly profile: AgentProfile;
  readonly model: string;
  readonly gateway: GatewayAccess | null;
}

/** Runs an agent once on an empty tree, and returns what it said. */
export async function askAgent(asking: AskAgent): Promise<string> {
  const { config, environment, question, profile } = asking;
  const chosen = await chooseSandbox(config, createBubblewrapSandbox());
  if (chosen.state.kind === 'none' && config.sandbox === 'required') {
    throw new OpusError('sandbox.unavailable', `No agent is run without a sandbox: ${chosen.state.reason}`, {
      hint: chosen.state.hint,
    });
  }
  const { sandbox } = chosen;
  const drivers = createDrivers({ sandbox, config: () => config, environment, home: homedir() });
  const driver = drivers.get(profile.driver);
  if (!driver) {
    throw new OpusError('vault.agent-invalid', `The driver "${profile.driver}" of ${profile.path} is not available.`, {
      hint: `Available: ${[...drivers.keys()].join(', ')}.`,
    });
  }
  const folder = await mkdtemp(join(tmpdir(), 'opus-ask-'));
  try {
    const said = { text: '', last: '' };
    const outcome = await driver.run({
      ...(await requestFor(asking, folder)),
      onEvent: (event) => {
        if (event.kind === 'done') said.last = event.text;
        if (event.kind !== 'text') return;
        const text = said.text === '' ? event.text : `\n\n${event.text}`;
        said.text += text;
        question.onText(text);
      },
    });
    return answerOf(outcome, said.text === '' ? said.last : said.text);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function requestFor({ config, question, profile, model, gateway }: AskAgent, folder: string) {
  const [tree, attemptFolder, stateFolder] = [join(folder, 'tree'), join(folder, 'attempt'), join(folder, 'state')];
  for (const made of [tree, attemptFolder, stateFolder]) await mkdir(made, { mode: 0o700 });
  return {
    ...{ profile, job: 'ask', featureRequest: 'ask', attempt: 1, round: 0, prompt: question.prompt, model },
    // Of all stages the one that needs no result.
    stage: 'test',
    tree: {
      ...{ path: tree, commit: '', repository: { name: 'ask', url: tree }, job: 'ask' },
      mounts: [{ source: tree, mode: 'read-write' }],
    },
    treeMode: 'read-write',
    ...{ attemptFolder, stateFolder, plan: null, logFile: join(folder, 'log') },
    timeoutMs: profile.timeoutMs ?? config.timeouts.stage,
    stallMs: profile.stallMs ?? config.timeouts.stall,
    limits: config.limits.sandbox,
    hidden: hiddenPaths(config),
    signal: question.signal,
    session: null,
    gateway,
  } satisfies AgentRequest;
}

function answerOf(outcome: AgentOutcome, said: string): string {
  switch (outcome.kind) {
    case 'canceled':
      throw new OpusError('agent.canceled', 'The question was given up.');
    case 'failed': {
      const { code, message, hint, until } = outcome.error;
      // Such a hint names a job, and there is none.
      const useful = hint === null || /opus job/.test(hint) ? null : hint;
      throw new OpusError(code, message.replace(' of the test stage of ask', ''), {
        ...(useful === null ? {} : { hint: useful }),
        ...(until === undefined ? {} : { until }),
      });
    }
    case 'asked':
      return outcome.question;
    case 'finished':
      return said || summaryOf(outcome.result) || outcome.report.tail.trim();
  }
}

function summaryOf(result: unknown): string {
  if (typeof result !== 'object' || result === null) return '';
  return 'summary' in result && typeof result.summary === 'string' ? result.summary : JSON.stringify(result);
}
