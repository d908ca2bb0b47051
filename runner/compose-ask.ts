import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addUsage, noUsage, type TokenUsage } from '#shared/domain/agent-event.ts';
import { OpusError } from '#shared/domain/errors.ts';
import { parseModelName, type ModelName } from './adapters/agents/llm/model-name.ts';
import { createGateway } from './adapters/gateway/create-gateway.ts';
import { openRegistry } from './adapters/registry/open-registry.ts';
import { openRegistryReader } from './adapters/registry/registry-reader.ts';
import { resolveSecret } from './config/secrets.ts';
import { createConfirmedNotes } from './confirmed-notes.ts';
import { endpointsOf, selectAgent, selectModel } from './core/agents.ts';
import type { RunnerConfig } from './core/configuration.ts';
import type { AgentProfile } from './core/ports/agent.ts';
import type { GatewayAccess, UsageRecord } from './core/ports/gateway.ts';
import type { JobRegistry, RegistryReader } from './core/ports/job-registry.ts';
import { leftToday, remainingToday } from './engine/budget.ts';
import { requireWithinLimits } from './engine/stages/run-agent.ts';
import { keepUsage } from './engine/usage-book.ts';

export interface Question {
  readonly prompt: string;
  /** An agent note's name, or else `endpoint/model`; with neither, the agent that would plan. */
  readonly agent: string | null;
  readonly model: string | null;
  readonly signal: AbortSignal;
  /** The answer as it streams; must not throw. */
  readonly onText: (text: string) => void;
}

export interface Answer {
  readonly text: string;
  /** As the provider named it, or as it was asked for. */
  readonly model: string;
  readonly usage: TokenUsage;
  /** US dollars; null when the price is not known. */
  readonly cost: number | null;
}

export interface AskOverrides {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly now?: () => number;
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Who answers: a model by itself, or an agent that asks its models as it likes. */
type Answerer =
  | {
      readonly kind: 'model';
      readonly agent: string;
      readonly model: string;
      readonly name: ModelName;
      readonly namedIn: string;
    }
  | { readonly kind: 'agent'; readonly agent: string; readonly model: string; readonly profile: AgentProfile };

/** One prompt to one agent or model, without a job: beside a running service, within the day's budget, in the same ledger. */
export async function ask(config: RunnerConfig, question: Question, overrides: AskOverrides = {}): Promise<Answer> {
  const { environment = process.env, now = Date.now } = overrides;
  const registry = openLedger(config, now);
  const gateway = createGateway({
    models: config.models,
    resolveSecret: (reference, use) => resolveSecret(reference, use, environment),
    clock: { now },
    log: silent,
  });
  try {
    const answerer = answererOf(config, registry, question);
    const records: UsageRecord[] = [];
    const endpoints = endpointsFor(config, answerer);
    if (endpoints.length > 0) remainingToday(registry, config.limits, now());
    const about = { jobId: null, attemptId: null, agent: answerer.agent };
    const book = keepUsage({ registry, models: () => config.models, about });
    const access =
      endpoints.length === 0
        ? null
        : await gateway.open({
            ...{ job: 'ask', attempt: 'ask', agent: answerer.agent, endpoints },
            left: () => leftToday(registry, config.limits, now()),
            onRefused: book.onRefused,
            onUsage: (record) => {
              if (!record.open) records.push(record);
              book.onUsage(record);
            },
          });
    try {
      const text = await textOf(config, environment, question, answerer, access);
      return answerFrom(text, answerer.model, records);
    } finally {
      await access?.close();
    }
  } finally {
    await gateway.close();
    registry.close();
  }
}

function answererOf(config: RunnerConfig, registry: RegistryReader, { agent, model, prompt }: Question): Answerer {
  if (model !== null) {
    const name = parseModelName(model, config.models, '--model', 'config.usage');
    return { kind: 'model', agent: 'ask', model, name, namedIn: '--model' };
  }
  const profile = profileOf(createConfirmedNotes(registry)().profiles, agent, prompt);
  requireWithinLimits(profile, config);
  const asked = selectModel(profile, { complexity: null });
  if (profile.driver !== 'llm') return { kind: 'agent', agent: profile.name, model: asked, profile };
  const name = parseModelName(asked, config.models, profile.path);
  return { kind: 'model', agent: profile.name, model: asked, name, namedIn: profile.path };
}

function profileOf(profiles: readonly AgentProfile[], agent: string | null, prompt: string): AgentProfile {
  const names = profiles.map(({ name }) => name).join(', ');
  if (agent !== null) {
    const named = profiles.find(({ name }) => name === agent);
    if (named) return named;
    throw new OpusError('vault.agent-missing', `No confirmed agent note has the name "${agent}".`, {
      hint: names === '' ? 'opus trust confirms agent notes; --model asks without any.' : `There are: ${names}.`,
    });
  }
  const planner = selectAgent(profiles, 'plan', { agent: null, title: '', body: prompt }) ?? profiles[0];
  if (planner) return planner;
  throw new OpusError('vault.agent-missing', 'There is no confirmed agent note to ask.', {
    hint: 'Confirm one with opus trust, or ask a model: opus ask --model endpoint/model "…"',
  });
}

function endpointsFor({ models }: RunnerConfig, answerer: Answerer): readonly string[] {
  if (answerer.kind === 'model') return [answerer.name.endpoint];
  // What an agent cannot be led to it has to do without, and says so itself.
  return endpointsOf(answerer.profile, answerer.model).filter((name) => Object.hasOwn(models, name));
}

async function textOf(
  config: RunnerConfig,
  environment: Readonly<Record<string, string | undefined>>,
  question: Question,
  answerer: Answerer,
  gateway: GatewayAccess | null,
): Promise<string> {
  if (answerer.kind === 'agent') {
    const { askAgent } = await import('./compose-ask-agent.ts');
    return askAgent({ config, environment, question, gateway, profile: answerer.profile, model: answerer.model });
  }
  const { name, namedIn } = answerer;
  if (gateway === null) throw new OpusError('internal.unexpected', `There is no way to ${answerer.model}.`);
  const { askModel } = await import('./adapters/agents/llm/ask-model.ts');
  const protocol = config.models[name.endpoint]?.protocol ?? 'openai-compatible';
  return askModel({ ...question, gateway, name, namedIn, protocol });
}

function answerFrom(text: string, asked: string, records: readonly UsageRecord[]): Answer {
  return {
    text,
    model: records.at(-1)?.model ?? asked,
    usage: records.map(({ usage }) => usage).reduce(addUsage, noUsage),
    cost: records.reduce<number | null>((sum, { cost }) => (sum === null || cost === null ? null : sum + cost), 0),
  };
}

/** A registry of another version is not touched: migrating it is the service's. */
function openLedger(config: RunnerConfig, now: () => number): JobRegistry {
  const file = join(config.data, 'registry.db');
  if (existsSync(file)) openRegistryReader({ file }).close();
  return openRegistry({ file, clock: { now } });
}
