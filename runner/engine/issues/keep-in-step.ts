import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { isFinished } from '#shared/domain/job.ts';
import { labelsOf, placeOf, statusComment } from '../../core/issues/kept-in-step.ts';
import type { LinkedNote } from '../../core/issues/linked.ts';
import type { ForgeDesk, ObservedIssue } from '../../core/ports/forge-desk.ts';
import type { Job } from '../../core/ports/job-registry.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import { noteStatusOf } from '../../core/reporting/note-keys.ts';
import type { EngineDependencies } from '../stage-context.ts';

export interface KeptInStep {
  /** Whether something may still be written for this note. */
  isOpen(note: LinkedNote): boolean;
  /** Writes what policy asks for and is not there. Each thing that goes wrong is told to `guarded`. */
  keep(repository: RepositoryAddress, desk: ForgeDesk, seen: SeenIssues, guarded: Guarded): Promise<void>;
}

export interface SeenIssues {
  readonly all: readonly FeatureRequest[];
  readonly followed: readonly LinkedNote[];
  readonly observed: readonly ObservedIssue[];
}

export type Guarded = (key: string, what: string, work: () => Promise<void>) => Promise<void>;

/** Somebody who asks anew does it by a new status. */
const endings = new Set(['done', 'parked', 'rejected']);

/** Comments, labels and boards that follow notes and jobs. What was written last is kept, so that it is written once. */
export function createKeptInStep(dependencies: EngineDependencies): KeptInStep {
  const { registry } = dependencies;
  const written = new Map<string, string>(entriesOf(registry.state('issues')?.value));

  const wantedFor = (note: FeatureRequest, job: Job | null) => {
    const { policy, profiles } = dependencies.confirmed();
    const agents = profiles.map(({ name }) => name);
    return {
      comment: policy.issues?.comment === true ? statusComment(note, job) : null,
      labels: labelsOf(policy, note.status, job?.agent ?? null, agents),
      place: placeOf(policy, note.status),
    };
  };

  async function once(key: string, wanted: unknown, guarded: Guarded, write: () => Promise<void>): Promise<void> {
    const text = JSON.stringify(wanted);
    if (wanted === null || written.get(key) === text) return;
    await guarded(key, `${key} was not written`, async () => {
      await write();
      written.set(key, text);
    });
  }

  async function keepFor(
    repository: RepositoryAddress,
    desk: ForgeDesk,
    number: number,
    wanted: Omit<ReturnType<typeof wantedFor>, 'comment'>,
    guarded: Guarded,
  ): Promise<void> {
    const target = `${repository.name}#${number}`;
    const { labels, place } = wanted;
    if (labels !== null) {
      await once(`${target} labels`, labels, guarded, () => desk.setLabels(repository, number, labels));
    }
    if (place !== null) await once(`${target} board`, place, guarded, () => desk.place(repository, number, place));
  }

  return {
    isOpen(note) {
      if (!endings.has(note.status ?? '')) return true;
      const { comment } = wantedFor(note, registry.newestJobOf(note.id));
      const target = `${note.repo ?? dependencies.config.defaultRepository}#${note.issue}`;
      const isTold = comment === null || written.get(`${target} comment`) === JSON.stringify(comment);
      return !isTold || !written.has(`${target} ended`);
    },
    async keep(repository, desk, { all, followed, observed }, guarded) {
      const before = JSON.stringify([...written]);
      const there = new Set(observed.map(({ number }) => number));
      for (const note of followed.filter(({ issue }) => there.has(issue))) {
        const wanted = wantedFor(note, registry.newestJobOf(note.id));
        const target = `${repository.name}#${note.issue}`;
        const { comment } = wanted;
        if (comment !== null) {
          const key = `status of ${repository.name}#${note.issue}`;
          await once(`${target} comment`, comment, guarded, () =>
            desk.keepComment({ repository, number: note.issue, text: comment, key }),
          );
        }
        await keepFor(repository, desk, note.issue, wanted, guarded);
        if (endings.has(note.status ?? '')) written.set(`${target} ended`, '');
        else written.delete(`${target} ended`);
      }
      const linked = new Set(followed.map(({ id }) => id));
      for (const job of pullsOf(repository.name)) {
        const note = all.find(({ id }) => id === job.featureRequestId);
        if (note === undefined || job.pullRequest === null) continue;
        const wanted = wantedFor({ ...note, status: noteStatusOf(job) }, job);
        // On a board the issue stands for its pull request.
        const place = linked.has(note.id) ? null : wanted.place;
        await keepFor(repository, desk, job.pullRequest.number, { labels: wanted.labels, place }, guarded);
      }
      if (JSON.stringify([...written]) !== before) registry.setState('issues', [...written]);
    },
  };

  /** With those that have ended, as long as what was written of them is not their end. */
  function pullsOf(repository: string): Job[] {
    return registry
      .jobs({ finished: true, limit: 200 })
      .filter((job) => job.repository === repository && job.pullRequest !== null)
      .filter(({ status, pullRequest }) => {
        const target = `${repository}#${pullRequest?.number ?? 0}`;
        return !isFinished(status) || written.has(`${target} labels`) || written.has(`${target} board`);
      });
  }
}

function entriesOf(value: unknown): [string, string][] {
  if (!Array.isArray(value)) return [];
  return value.filter((entry): entry is [string, string] => Array.isArray(entry) && entry.length === 2).slice(-5_000);
}
