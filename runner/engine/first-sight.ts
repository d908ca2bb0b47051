import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import type { Policy } from '../core/configuration.ts';
import type { EngineDependencies } from './stage-context.ts';

/**
 * The ids that wait for a person's word, since they were planned when this vault was first seen. At that first sight,
 * notes that say they are being worked on have lost their jobs with a database, and a person is asked.
 */
export function firstSight(
  { registry, log, config }: EngineDependencies,
  notes: readonly FeatureRequest[],
  policy: Pick<Policy, 'backlog'>,
): readonly string[] {
  const known = registry.state('backlog')?.value;
  if (Array.isArray(known)) return known.filter((id) => typeof id === 'string');
  const isNew = registry.jobs({ finished: true, limit: 1 }).length === 0;
  if (isNew) {
    const lost = notes.filter(({ status }) => status === 'in-progress' || status === 'in-review');
    for (const note of lost) {
      if (note.id === '') continue;
      const sentence = `The runner knows no job of ${note.id} any more. Begin anew with: ${config.command} run ${note.id} --again`;
      registry.commit(`first-sight/${note.path}`, null, {
        outbox: [
          {
            jobId: null,
            payload: {
              kind: 'keys',
              write: {
                path: note.path,
                keys: [
                  ['run_state', 'waiting'],
                  ['gate', ''],
                  ['run_note', sentence],
                ],
                status: { expect: ['in-progress', 'in-review'], to: 'needs-human' },
              },
            },
          },
        ],
      });
      log.warn({ path: note.path }, sentence);
    }
  }
  // Runs in the foreground before this look are no word on the other notes.
  const atWork = new Set(registry.jobs({ finished: false }).map(({ featureRequestId }) => featureRequestId));
  const planned = notes.filter(({ status, id }) => status === 'planned' && id !== '' && !atWork.has(id));
  const backlog = policy.backlog === 'ask' ? planned.map(({ id }) => id) : [];
  registry.setState('backlog', backlog);
  if (backlog.length > 0) {
    log.info(
      { backlog },
      `Planned when this vault was first seen, and waiting for your word: ${backlog.join(', ')}. Start them with: ${config.command} fr dispatch --all`,
    );
  }
  return backlog;
}
