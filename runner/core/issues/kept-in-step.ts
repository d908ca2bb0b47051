import { noteStatuses, type FeatureRequest, type NoteStatus } from '#shared/domain/feature-request.ts';
import type { Policy } from '../configuration.ts';
import type { BoardPlace, KeptLabels } from '../ports/forge-desk.ts';
import type { Job } from '../ports/job-registry.ts';

/** What an issue is told of its note: one comment, brought up to date. */
export function statusComment(note: Pick<FeatureRequest, 'id' | 'status'>, job: Job | null): string {
  const pull = job?.pullRequest?.url ?? null;
  const where = pull === null ? '' : `, ${note.status === 'in-review' ? 'in' : 'see'} ${pull}`;
  return `This is **${note.id}**. It is ${words(note.status)}${where}.`;
}

function words(status: NoteStatus | null): string {
  switch (status) {
    case null:
      return 'noted';
    case 'idea':
      return 'an idea that nobody has decided on yet';
    case 'needs-human':
      return 'waiting for a person';
    case 'in-progress':
      return 'in progress';
    case 'in-review':
      return 'in review';
    default:
      return status;
  }
}

/** The labels that policy asks for; of ours, all others go. */
export function labelsOf(
  policy: Pick<Policy, 'labels'>,
  status: NoteStatus | null,
  agent: string | null,
  agents: readonly string[],
): KeptLabels | null {
  const { labels } = policy;
  if (!labels.status && !labels.agent) return null;
  return {
    wanted: [
      ...(labels.status && status !== null ? [`opus:${status}`] : []),
      ...(labels.agent && agent !== null ? [`agent:${agent}`] : []),
    ],
    ours: [
      ...(labels.status ? noteStatuses.map((one) => `opus:${one}`) : []),
      ...(labels.agent ? agents.map((one) => `agent:${one}`) : []),
    ],
  };
}

export function placeOf(policy: Pick<Policy, 'project'>, status: NoteStatus | null): BoardPlace | null {
  const value = status === null ? undefined : policy.project?.values[status];
  if (policy.project === null || value === undefined) return null;
  const { owner, number, field } = policy.project;
  return { owner, board: number, field, value };
}
