import type { AgentProfile } from './ports/agent.ts';
import type { RegistryReader } from './ports/job-registry.ts';

/** In what a job was less protected than it could be; recorded as it happens, so that it stays true when notes change. */
export const weakenedEvent = 'job.weakened';

export const withoutSandbox = 'the agents ran without a sandbox';

const pageSize = 1_000;

/** One sentence, without its full stop, for each way in which an agent's note makes its jobs weaker. */
export function weaknessesOfAgent(profile: Pick<AgentProfile, 'name' | 'credentials'>): string[] {
  const files = (profile.credentials ?? []).map(({ file }) => file);
  return files.length === 0 ? [] : [`the agent ${profile.name} holds its own login (${files.join(', ')})`];
}

/** What was recorded of a job, each once, in the order in which it came. */
export function weaknessesOfJob(registry: Pick<RegistryReader, 'events'>, jobId: string): string[] {
  const found = new Set<string>();
  for (let afterSeq = 0; ;) {
    const page = registry.events({ afterSeq, jobId, limit: pageSize });
    for (const { type, data } of page) if (type === weakenedEvent) for (const one of textsIn(data)) found.add(one);
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return [...found];
    afterSeq = last.seq;
  }
}

/** As a sentence. */
export function weaknessSentence(weakness: string): string {
  return `${weakness.charAt(0).toUpperCase()}${weakness.slice(1)}.`;
}

function textsIn({ weaker }: Readonly<Record<string, unknown>>): string[] {
  return Array.isArray(weaker) ? weaker.filter((one) => typeof one === 'string') : [];
}
