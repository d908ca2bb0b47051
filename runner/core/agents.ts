import { OpusError } from '#shared/domain/errors.ts';
import type { FeatureRequest, FeatureRequestNote } from '#shared/domain/feature-request.ts';
import type { AgentStage } from '#shared/domain/stage.ts';
import type { AgentProfile } from './ports/agent.ts';
import type { Attempt } from './ports/job-registry.ts';

/** The profile that works in a stage: the note's own choice, else of those that need not be named the first whose pattern matches, else the first without a pattern, by name. */
export function selectAgent(
  profiles: readonly AgentProfile[],
  stage: AgentStage,
  featureRequest: Pick<FeatureRequestNote, 'agent' | 'title' | 'body'>,
): AgentProfile | null {
  const able = profiles
    .filter((profile) => profile.stages.includes(stage))
    .sort((left, right) => left.name.localeCompare(right.name));
  const named = able.find((profile) => profile.name === featureRequest.agent);
  if (named) return named;
  const text = `${featureRequest.title}\n${featureRequest.body}`;
  const unnamed = able.filter((profile) => profile.onlyNamed !== true);
  return (
    unnamed.find((profile) => profile.match !== null && new RegExp(profile.match, 'iu').test(text)) ??
    unnamed.find((profile) => profile.match === null) ??
    null
  );
}

/** Rejects before anything is started when a stage that needs an agent has none. */
export function requireAgent(
  profiles: readonly AgentProfile[],
  stage: AgentStage,
  featureRequest: Pick<FeatureRequestNote, 'agent' | 'title' | 'body'>,
): AgentProfile {
  const { agent } = featureRequest;
  if (agent !== null && !profiles.some((profile) => profile.name === agent)) {
    throw new OpusError(
      'vault.agent-missing',
      `The note asks for the agent "${agent}", and no confirmed agent note has that name.`,
      {
        hint: `Write one of ${profiles.map((profile) => profile.name).join(', ')}, or leave "agent" out.`,
      },
    );
  }
  const profile = selectAgent(profiles, stage, featureRequest);
  if (profile) return profile;
  throw new OpusError('vault.agent-missing', `No confirmed agent note works in the ${stage} stage.`, {
    hint: `Write one in 00_system/opus/agents/ with "stage: ${stage}" and confirm it with opus trust, or leave the stage out with "stages:" in 00_system/opus/config.md.`,
  });
}

const endpointsOfDrivers: Partial<Record<AgentProfile['driver'], string>> = {
  claude: 'anthropic',
  codex: 'openai',
  gemini: 'google',
};

/** Names under `models` in opus.yml that an agent reaches: its note's own, else its driver's, else the one its model names, as in `house/small`. */
export function endpointsOf(
  profile: Pick<AgentProfile, 'driver' | 'endpoints' | 'credentials'>,
  model: string,
): readonly string[] {
  if (profile.endpoints.length > 0) return profile.endpoints;
  // With a login of its own it goes its own way, unless its note says otherwise.
  if ((profile.credentials ?? []).length > 0) return [];
  const ofDriver = endpointsOfDrivers[profile.driver];
  if (ofDriver !== undefined) return [ofDriver];
  const named = /^([A-Za-z][\w.-]*)\//.exec(model)?.[1];
  return named === undefined || profile.driver === 'command' ? [] : [named];
}

/**
 * The conversation that an attempt goes on with: a coder's and planner's own whatever came between, a reviewer's only
 * where it was cut off, so that each round is judged afresh.
 */
export function sessionToResume(
  attempts: readonly Attempt[],
  current: Pick<Attempt, 'id' | 'stage' | 'round' | 'agent'>,
): string | null {
  const last = attempts.findLast(
    ({ id, stage, agent, session }) =>
      id !== current.id && stage === current.stage && agent === current.agent && session !== null,
  );
  if (!last) return null;
  if (current.stage === 'code' || current.stage === 'plan') return last.session;
  return last.round === current.round && last.status !== 'passed' && last.status !== 'rejected' ? last.session : null;
}

/** The model that a profile uses for this FR; empty when the note names none. */
export function selectModel(profile: AgentProfile, featureRequest: Pick<FeatureRequest, 'complexity'>): string {
  if (profile.model === null) return '';
  if (typeof profile.model === 'string') return profile.model;
  return profile.model[featureRequest.complexity ?? 'medium'] ?? Object.values(profile.model)[0] ?? '';
}
