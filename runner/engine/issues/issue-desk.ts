import { createHash } from 'node:crypto';
import { dispositionOf, toOpusError, type ErrorSummary } from '#shared/domain/errors.ts';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { isFinished } from '#shared/domain/job.ts';
import { issueKeys } from '../../core/issues/issue-keys.ts';
import { issueNote } from '../../core/issues/issue-note.ts';
import { linkedNotes, newIssues, type LinkedNote } from '../../core/issues/linked.ts';
import type { ForgeDesk, ForgeIssue, ObservedIssue } from '../../core/ports/forge-desk.ts';
import type { Job } from '../../core/ports/job-registry.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import { obeyCommands, type CancelJob } from '../pull-requests/obey-commands.ts';
import type { EngineDependencies } from '../stage-context.ts';
import { createKeptInStep } from './keep-in-step.ts';
import { strayBranches } from './stray-branches.ts';

export interface IssueDesk {
  /** Looks at the issues of one repository, or of all. Never rejects. */
  look(repository?: string): Promise<void>;
  /** Looks for branches of ours that nobody goes on with. Never rejects. */
  lookForBranches(): Promise<void>;
  /** What went wrong; none of it stops a job. */
  problems(): readonly ErrorSummary[];
}

export interface IssueDeskOptions {
  readonly dependencies: EngineDependencies;
  /** A job's pipeline should look at the registry again. */
  readonly changed: (job: Job) => Promise<void>;
  readonly cancel?: CancelJob;
}

/** Of one repository, the newest first. */
const mostIssues = 100;

/** Issues and what else of a forge is kept in step with notes and jobs. A look finds all that happened since the last. */
export function createIssueDesk({ dependencies, changed, cancel }: IssueDeskOptions): IssueDesk {
  const { registry, vault, log } = dependencies;
  const problems = new Map<string, ErrorSummary>();
  const resting = new Map<string, number>();
  const inStep = createKeptInStep(dependencies);
  let looking: Promise<void> = Promise.resolve();

  async function guarded(key: string, what: string, work: () => Promise<void>): Promise<void> {
    if ((resting.get(key) ?? 0) > dependencies.clock.now()) return;
    try {
      await work();
      problems.delete(key);
    } catch (thrown) {
      const error = toOpusError(thrown);
      problems.set(key, error.summary());
      if (dispositionOf(error.code) === 'hold' && error.until !== null) resting.set(key, error.until);
      log.warn({ err: thrown, code: error.code }, `${what}: ${error.message}`);
    }
  }

  async function lookAt(name: string, desk: ForgeDesk, notes: readonly FeatureRequest[]): Promise<void> {
    const url = dependencies.config.repos[name]?.url;
    if (url === undefined) return;
    const repository = { name, url };
    const { policy } = dependencies.confirmed();
    let all = notes;
    if (policy.issues !== null) {
      const { label } = policy.issues;
      await guarded(`${name} import`, `The issues of ${name} were not taken in`, async () => {
        const issues = await desk.labelled(repository, label);
        if (await takeIn(name, issues, notes)) all = await vault.scan();
      });
    }
    const { defaultRepository } = dependencies.config;
    const linked = linkedNotes(all, name, defaultRepository);
    const followed = linked.filter((note) => inStep.isOpen(note)).slice(-mostIssues);
    let observed: readonly ObservedIssue[] = [];
    await guarded(`${name} issues`, `The issues of ${name} were not looked at`, async () => {
      observed =
        followed.length === 0
          ? []
          : await desk.issues(
              repository,
              followed.map(({ issue }) => issue),
            );
      for (const issue of observed) {
        for (const note of followed.filter((one) => one.issue === issue.number)) {
          tellNews(name, note, issue);
          await hear(repository, note, issue);
        }
      }
    });
    await inStep.keep(repository, desk, { all, followed, observed }, guarded);
  }

  /** Whether any became a note. */
  async function takeIn(
    name: string,
    issues: readonly ForgeIssue[],
    notes: readonly FeatureRequest[],
  ): Promise<boolean> {
    const { policy } = dependencies.confirmed();
    if (policy.issues === null) return false;
    const linked = linkedNotes(notes, name, dependencies.config.defaultRepository);
    for (const note of linked) markImported(name, note.issue, note.id);
    const existing: Pick<FeatureRequest, 'id'>[] = [...notes];
    const fresh = newIssues(
      issues,
      linked,
      (number) => registry.effect(issueKeys(name, number).imported) !== undefined,
    );
    for (const issue of fresh) {
      const written = issueNote(issue, name, existing, { ...policy.issues, features: policy.folders.features });
      // A kill right after this leaves a note that names its issue, by which it is found again.
      await vault.writeNote(written.path, written.text, 'create');
      existing.push(written);
      markImported(name, issue.number, written.id);
      registry.commit(issueKeys(name, issue.number).firstText, textKey(name, issue), {
        events: [{ type: 'issue.imported', jobId: null, data: { issue: issue.url, featureRequest: written.id } }],
      });
    }
    return fresh.length > 0;
  }

  /** A note that a person removed is not made again. */
  function markImported(name: string, number: number, featureRequest: string): void {
    if (registry.effect(issueKeys(name, number).imported) === undefined) {
      registry.commit(issueKeys(name, number).imported, featureRequest, {});
    }
  }

  /** The note is its people's: what is edited on the forge is told, never written over it. */
  function tellNews(name: string, note: LinkedNote, issue: ObservedIssue): void {
    const about = { issue: issue.url, featureRequest: note.id, path: note.path };
    const key = textKey(name, issue);
    const first = registry.commit(issueKeys(name, issue.number).firstText, key, {});
    if (first !== key) {
      registry.commit(issueKeys(name, issue.number).edited, null, {});
      registry.commit(key, null, { events: [{ type: 'issue.updated', jobId: jobOf(note)?.id ?? null, data: about }] });
    }
    if (issue.state === 'closed') {
      registry.commit(issueKeys(name, issue.number).closed, null, {
        events: [{ type: 'issue.closed', jobId: jobOf(note)?.id ?? null, data: about }],
      });
    }
  }

  function jobOf(note: FeatureRequest): Job | null {
    return registry.newestJobOf(note.id);
  }

  async function hear(repository: RepositoryAddress, note: LinkedNote, issue: ObservedIssue): Promise<void> {
    const job = jobOf(note);
    const pulls = dependencies.pullRequestsOf(repository.name);
    if (job === null || isFinished(job.status) || pulls === null || job.repository !== repository.name) return;
    const self = await pulls.self();
    const spoken = { repository, number: issue.number, comments: issue.comments, self, pulls };
    if (await obeyCommands(dependencies, job.id, spoken, cancel)) await changed(registry.job(job.id) ?? job);
  }

  async function lookOnce(only: string | undefined): Promise<void> {
    const names = Object.keys(dependencies.config.repos).filter((name) => only === undefined || name === only);
    const desks = names.flatMap((name) => {
      const desk = dependencies.deskOf(name);
      return desk === null ? [] : [{ name, desk }];
    });
    if (desks.length === 0) return;
    await guarded('vault', 'The notes of issues were not looked at', async () => {
      for (const { name, desk } of desks) await lookAt(name, desk, await vault.scan());
    });
  }

  return {
    look(repository) {
      looking = looking.then(() => lookOnce(repository));
      return looking;
    },
    async lookForBranches() {
      for (const name of Object.keys(dependencies.config.repos)) {
        const desk = dependencies.deskOf(name);
        if (desk === null) continue;
        const key = `${name} branches`;
        for (const old of [...problems.keys()]) if (old.startsWith(`${key} `)) problems.delete(old);
        await guarded(key, `The branches of ${name} were not looked at`, async () => {
          for (const [branch, problem] of await strayBranches(dependencies, name, desk)) {
            problems.set(`${key} ${branch}`, problem);
          }
        });
      }
    },
    problems: () => [...problems.values()],
  };
}

function textKey(name: string, { number, title, body }: ForgeIssue): string {
  const hash = createHash('sha256')
    .update(`${title}\n${body.replaceAll('\r\n', '\n')}`)
    .digest('hex');
  return issueKeys(name, number).text(hash.slice(0, 32));
}
