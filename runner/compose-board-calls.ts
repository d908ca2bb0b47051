import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import type { BoardFeatureRequest, BoardJob } from '#shared/protocol/board.ts';
import type { Job } from './core/ports/job-registry.ts';
import { boardJobOf } from './core/reporting/board-job.ts';
import { featureRequestDocument } from './core/reporting/feature-request-document.ts';
import { spendingToday } from './engine/budget.ts';
import { setRequest } from './engine/set-request.ts';
import type { BoardState, ServerApplication } from './server/server-application.ts';
import type { ServiceCalls } from './service-calls.ts';

const recentlyFinished = 50;

export function boardCalls(
  calls: ServiceCalls,
): Pick<ServerApplication, 'board.get' | 'fr.set' | 'boardState' | 'boardJob'> {
  const { dependencies, supervisor, health } = calls;
  const { registry, clock } = dependencies;
  const onBoard = (job: Job): BoardJob =>
    boardJobOf({ registry, reportsFolder: dependencies.confirmed().policy.folders.reports }, job, clock.now());

  let shown: { readonly notes: readonly FeatureRequest[]; readonly documents: BoardFeatureRequest[] } | null = null;
  /** The same array until the vault is read again, so that who asks each second need not look into it. */
  const featureRequests = (): BoardFeatureRequest[] => {
    const notes = supervisor.notes();
    if (shown?.notes !== notes) shown = { notes, documents: notes.map(featureRequestDocument) };
    return shown.documents;
  };

  const boardState = (): BoardState => ({
    runner: health.status(),
    featureRequests: featureRequests(),
    spending: spendingToday(registry, dependencies.config.limits, clock.now()),
    untrusted: calls.unconfirmedNotes(),
  });

  /** The unfinished jobs and the last finished ones, oldest first. */
  const jobs = (): BoardJob[] => {
    const open = registry.jobs({ finished: false });
    const ids = new Set(open.map(({ id }) => id));
    const over = registry
      .jobs({ finished: true, limit: recentlyFinished + open.length })
      .filter(({ id }) => !ids.has(id))
      .slice(-recentlyFinished);
    return [...over, ...open].sort((left, right) => left.createdAt - right.createdAt).map(onBoard);
  };

  return {
    boardState,
    boardJob(id) {
      const job = registry.job(id);
      return job === null ? null : onBoard(job);
    },
    'board.get': () =>
      Promise.resolve({ seq: registry.lastEventSeq(), epoch: calls.epoch, ...boardState(), jobs: jobs() }),
    'fr.set': async ({ fr, ...change }) => {
      const note = await setRequest(dependencies.vault, fr, change);
      void supervisor.look();
      return featureRequestDocument(note);
    },
  };
}
