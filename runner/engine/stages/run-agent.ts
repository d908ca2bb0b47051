import * as z from 'zod/mini';
import { dispositionOf, OpusError } from '#shared/domain/errors.ts';
import { stageResults, type AgentStage } from '#shared/domain/stage.ts';
import { endpointsOf, requireAgent, selectModel, sessionToResume } from '../../core/agents.ts';
import {
  MalformedJson,
  type AgentOutcome,
  type AgentProfile,
  type AgentReport,
  type AgentRequest,
} from '../../core/ports/agent.ts';
import type { CircuitVerdict } from '../../core/ports/circuits.ts';
import type { RunnerConfig } from '../../core/configuration.ts';
import { secretReferences } from '../../core/secret-references.ts';
import type { GatewayAccess } from '../../core/ports/gateway.ts';
import { weaknessesOfAgent } from '../../core/weaker.ts';
import { recordWeaknesses } from '../weakened.ts';
import { budgetLeft, refuseSpentDay, remainingBudget } from '../budget.ts';
import type { Tree } from '../../core/ports/worktrees.ts';
import type { EngineDependencies, StageRun } from '../stage-context.ts';
import { keepUsage } from '../usage-book.ts';
import { hiddenPaths } from './hidden-paths.ts';

export interface AgentTask {
  readonly stage: AgentStage;
  readonly tree: Tree;
  readonly treeMode: 'read-only' | 'read-write';
  readonly plan: string | null;
  /** Template variables beside those that every prompt has. */
  readonly variables: Readonly<Record<string, unknown>>;
}

export type AgentAnswer =
  | { readonly kind: 'answered'; readonly result: unknown; readonly report: AgentReport }
  | { readonly kind: 'canceled'; readonly report: AgentReport };

/**
 * Runs the stage's agent and returns its checked result. A malformed result is asked for once more, with what is
 * wrong with it; after that it is `agent.malformed-result`, never a rejection.
 */
export async function runAgent(dependencies: EngineDependencies, run: StageRun, task: AgentTask): Promise<AgentAnswer> {
  const earlier = sessionToResume(dependencies.registry.attempts(run.job.id), run.attempt);
  const first = await ask(dependencies, run, task, { correction: '', session: earlier });
  if (first.kind === 'canceled') return first;
  const checked = check(task.stage, first.result);
  if (checked.kind === 'valid') return { ...first, result: checked.value };
  dependencies.progress({
    job: run.job.id,
    stage: task.stage,
    round: run.attempt.round,
    kind: 'note',
    text: `the result is malformed (${checked.problem}); asking once more`,
  });
  const { session } = first.report;
  const second = await ask(dependencies, run, task, { correction: checked.problem, session });
  if (second.kind === 'canceled') return second;
  const again = check(task.stage, second.result);
  if (again.kind === 'valid') return { ...second, result: again.value };
  throw new OpusError(
    'agent.malformed-result',
    `The agent of the ${task.stage} stage of ${run.job.id} wrote a malformed result twice: ${again.problem}.`,
    { hint: 'docs/agent-contract.md shows each stage’s result; opus job log shows what the agent printed.' },
  );
}

async function ask(
  dependencies: EngineDependencies,
  run: StageRun,
  task: AgentTask,
  { correction, session }: { readonly correction: string; readonly session: string | null },
): Promise<AgentAnswer> {
  const { config } = dependencies;
  const confirmed = dependencies.confirmed();
  const profile = requireAgent(confirmed.profiles, task.stage, run.featureRequest);
  requireWithinLimits(profile, config);
  recordWeaknesses(dependencies, run, weaknessesOfAgent(profile));
  const driver = dependencies.drivers.get(profile.driver);
  if (!driver) {
    throw new OpusError('vault.agent-invalid', `The driver "${profile.driver}" of ${profile.path} is not available.`, {
      hint: `Available: ${[...dependencies.drivers.keys()].join(', ')}. Any CLI runs through "driver: command".`,
    });
  }
  const schema = JSON.stringify(z.toJSONSchema(stageResults[task.stage]), null, 2);
  const rendered = await dependencies.prompts.render(
    profile.template,
    {
      fr: { id: run.featureRequest.id, title: run.featureRequest.title, body: run.featureRequest.body },
      stage: task.stage,
      job: run.job.id,
      round: run.attempt.round,
      plan: null,
      issues: [],
      evidence: null,
      conflict: null,
      checks: [],
      remarks: [],
      tampering: [],
      comment: '',
      diff: '',
      rules: confirmed.reviewRules,
      memory: confirmed.memory,
      skills: profile.skills,
      constraints: profile.constraints,
      result_schema: schema,
      ...task.variables,
    },
    profile.path,
  );
  const prompt = withComment(rendered, task.variables['comment']);
  const name = correction === '' ? run.attempt.id : `${run.attempt.id}-again`;
  const model = selectModel(profile, run.featureRequest);
  const gateway = await openGateway(dependencies, run, profile, model);
  const about = { job: run.job.id, attempt: run.attempt.id, stage: task.stage };
  const request: AgentRequest = {
    profile,
    job: run.job.id,
    featureRequest: run.featureRequest.id,
    stage: task.stage,
    attempt: run.attempt.number,
    round: run.attempt.round,
    prompt: correction === '' ? prompt : `${prompt}\n\n${correctionText(correction, schema)}`,
    model,
    tree: task.tree,
    treeMode: task.treeMode,
    attemptFolder: await dependencies.files.folder(run.job.id, name),
    stateFolder: await dependencies.files.stateFolder(run.job.id, profile.name),
    plan: task.plan,
    logFile: dependencies.files.logFile(run.job.id, name),
    timeoutMs: profile.timeoutMs ?? config.timeouts.stage,
    stallMs: profile.stallMs ?? config.timeouts.stall,
    limits: run.limits,
    hidden: hiddenPaths(config),
    signal: run.signal,
    session,
    gateway,
    onEvent: (event) => {
      if (event.kind === 'session') dependencies.registry.setSession(run.attempt.id, dependencies.owner, event.id);
      dependencies.live.tell(about, event);
    },
    onOutput: (text) => {
      // Other drivers print what they tell as events.
      if (profile.driver === 'command') dependencies.live.print(about, text);
      dependencies.progress({ job: run.job.id, stage: task.stage, round: run.attempt.round, kind: 'output', text });
    },
  };
  try {
    const outcome = await dependencies.circuits.run('agent', profile.name, () => driver.run(request), judgeAgent);
    if (outcome.kind === 'failed' && outcome.error.code === 'agent.budget') {
      refuseSpentDay(dependencies, run.job, run.featureRequest.budget);
    }
    return answerOf(outcome);
  } finally {
    await gateway?.close();
  }
}

/** What a person said reaches the agent also where its note has no place for it: an answer that is lost is asked for again. */
function withComment(prompt: string, comment: unknown): string {
  if (typeof comment !== 'string' || comment === '' || prompt.includes(comment)) return prompt;
  return `${prompt}\n\n## A person's comment\n\n${comment}\n`;
}

/** A way to the models for an agent that needs one, within what the job may still spend. */
async function openGateway(
  dependencies: EngineDependencies,
  run: StageRun,
  profile: AgentProfile,
  model: string,
): Promise<GatewayAccess | null> {
  const { registry, gateway } = dependencies;
  const endpoints = endpointsOf(profile, model);
  if (gateway === null || endpoints.length === 0) return null;
  const own = run.featureRequest.budget;
  remainingBudget(dependencies, run.job, own);
  return await gateway.open({
    job: run.job.id,
    attempt: run.attempt.id,
    agent: profile.name,
    endpoints,
    left: () => budgetLeft(dependencies, run.job, own),
    ...keepUsage({
      registry,
      models: () => dependencies.config.models,
      about: { jobId: run.job.id, attemptId: run.attempt.id, agent: profile.name },
    }),
  });
}

/** opus.yml holds ceilings, which a note may stay below and never raise. */
export function requireWithinLimits(profile: AgentProfile, config: RunnerConfig): void {
  const { limits } = config;
  const secrets = secretReferences(config).flatMap((reference) => (reference.kind === 'env' ? [reference.name] : []));
  const secret = profile.env.find((name) => secrets.includes(name));
  if (secret !== undefined) {
    throw new OpusError(
      'vault.agent-invalid',
      `${profile.path} passes ${secret} to its agent, which holds a secret of opus.yml.`,
      { hint: `Take ${secret} out of \`env\`; the gateway adds credentials to what the agent asks.` },
    );
  }
  const { drivers, network } = limits;
  if (drivers !== null && !drivers.includes(profile.driver)) {
    throw new OpusError(
      'vault.agent-invalid',
      `limits.drivers in opus.yml does not allow the driver "${profile.driver}" of ${profile.path}.`,
      {
        hint: `Allowed: ${drivers.join(', ')}.`,
      },
    );
  }
  if (!limits.credentials && (profile.credentials ?? []).length > 0) {
    throw new OpusError(
      'vault.agent-invalid',
      `limits.credentials in opus.yml does not allow agents a login of their own, as ${profile.path} names one.`,
      { hint: 'Take "credentials" out of the note and name the model under "models" in opus.yml.' },
    );
  }
  const beyond = network === null ? [] : profile.network.filter((host) => !network.includes(host));
  if (beyond.length > 0) {
    throw new OpusError(
      'vault.agent-invalid',
      `limits.network in opus.yml does not allow ${beyond.join(', ')}, which ${profile.path} names.`,
      {
        hint: `Allowed: ${network?.join(', ') || 'nothing'}.`,
      },
    );
  }
}

/** Only what may go better another time says something of the agent itself: a missing program fails for ever, a usage limit is no failure. */
function judgeAgent(ended: PromiseSettledResult<AgentOutcome>): CircuitVerdict {
  if (ended.status === 'rejected') return 'neither';
  const outcome = ended.value;
  if (outcome.kind === 'finished') return 'success';
  return outcome.kind === 'failed' && dispositionOf(outcome.error.code) === 'retry' ? 'failure' : 'neither';
}

function asked({ question, report }: Extract<AgentOutcome, { kind: 'asked' }>): OpusError {
  return new OpusError('agent.question', question, {
    hint: 'Answer with: opus answer --comment "…"',
    details: { refusedHosts: report.refusedHosts, tail: report.tail },
  });
}

function answerOf(outcome: AgentOutcome): AgentAnswer {
  if (outcome.kind === 'failed') {
    const { code, message, hint, until } = outcome.error;
    throw new OpusError(code, message, {
      ...(hint === null ? {} : { hint }),
      ...(until === undefined ? {} : { until }),
      details: { refusedHosts: outcome.report.refusedHosts, tail: outcome.report.tail },
    });
  }
  if (outcome.kind === 'asked') throw asked(outcome);
  if (outcome.kind === 'canceled') return { kind: 'canceled', report: outcome.report };
  return { kind: 'answered', result: outcome.result, report: outcome.report };
}

type Checked =
  { readonly kind: 'valid'; readonly value: unknown } | { readonly kind: 'invalid'; readonly problem: string };

function check(stage: AgentStage, result: unknown): Checked {
  if (stage === 'test' && result === null) return { kind: 'valid', value: null };
  if (result instanceof MalformedJson) return { kind: 'invalid', problem: result.problem };
  const parsed = stageResults[stage].safeParse(result);
  if (parsed.success) return { kind: 'valid', value: parsed.data };
  const problem = parsed.error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || 'the result'}: ${issue.message}`)
    .join('; ');
  return { kind: 'invalid', problem };
}

function correctionText(problem: string, schema: string): string {
  return `Your last result could not be read: ${problem}.\nWrite the result file again, as JSON of this schema:\n${schema}`;
}
