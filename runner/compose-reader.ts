import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { ExpectedCost } from '#shared/domain/expected-cost.ts';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import type { JobDocument } from '#shared/domain/job.ts';
import { openRegistryReader } from './adapters/registry/registry-reader.ts';
import type { RunnerConfig } from './core/configuration.ts';
import { issueKeys } from './core/issues/issue-keys.ts';
import type { Attempt, Job, RegistryReader } from './core/ports/job-registry.ts';
import type { DiffStat } from './core/ports/worktrees.ts';
import { jobDocumentOf } from './core/reporting/job-document.ts';
import { isToldDraft } from './core/pull-request/draft-state.ts';
import { shownComments, type ShownComment } from './core/pull-request/shown-comments.ts';
import type { Trust } from './engine/trust.ts';

/** What reading commands need: no lock, no engine, nothing written but a new FR. Parts are loaded when they are used. */
export interface Reader {
  featureRequests(): Promise<FeatureRequest[]>;
  /** What was seen of the note's issue on its forge; null where it names none. */
  issueNews(
    featureRequest: Pick<FeatureRequest, 'issue' | 'repo'>,
  ): { readonly number: number; readonly isEdited: boolean; readonly isClosed: boolean } | null;
  /** The text of a note below its properties; empty when the note is gone. */
  noteText(path: string): Promise<string>;
  /** What the request's next job will probably take. */
  expected(featureRequest: FeatureRequest, all: readonly FeatureRequest[]): Promise<ExpectedCost>;
  createFeatureRequest(title: string): Promise<{ readonly id: string; readonly path: string }>;
  jobs(): Job[];
  /** By job id, or by FR id for its newest. */
  job(name: string): Job;
  attempts(jobId: string): Attempt[];
  document(name: string): JobDocument;
  /** What was said of the job's pull request and is not obeyed. */
  comments(jobId: string): ShownComment[];
  /** Whether its pull request was a draft when last seen. */
  isDraft(jobId: string): boolean;
  diff(name: string): Promise<{ readonly text: string; readonly stat: DiffStat }>;
  logFiles(jobId: string): Promise<{ readonly name: string; readonly path: string }[]>;
  trust(): Promise<Trust>;
  close(): void;
}

const mostEvents = 10_000;

export function composeReader(config: RunnerConfig): Reader {
  const file = join(config.data, 'registry.db');
  const registry: RegistryReader | null = existsSync(file) ? openRegistryReader({ file }) : null;
  const requireJob = (name: string): Job => {
    const job = registry?.job(name) ?? registry?.newestJobOf(name);
    if (job) return job;
    throw new OpusError(
      'registry.job-not-found',
      `There is no job "${name}" and no feature request of that name was dispatched.`,
      {
        hint: 'opus job list names the jobs; opus fr list the feature requests.',
      },
    );
  };
  const document = (job: Job): JobDocument => jobDocumentOf(registry ?? nothingKnown, job, Date.now());
  const vault = async () => {
    const [{ openVault }, { createConfirmedNotes }, { defaultPolicy }] = await Promise.all([
      import('./compose-plugin-vault.ts'),
      import('./confirmed-notes.ts'),
      import('./core/configuration.ts'),
    ]);
    const policy = registry === null ? defaultPolicy : createConfirmedNotes(registry)().policy;
    const opened = openVault(config, {
      featureRequestFolder: policy.folders.features,
      reportsFolder: policy.folders.reports,
      idPattern: policy.idPattern,
      bodyDependencies: policy.bodyDependencies,
      repositories: Object.keys(config.repos),
    });
    return { vault: opened, policy };
  };
  return {
    featureRequests: async () => (await vault()).vault.scan(),
    noteText: async (path) => (await (await vault()).vault.read(path))?.body ?? '',
    issueNews({ issue, repo }) {
      const keys = issueKeys(repo ?? config.defaultRepository, issue ?? 0);
      const has = (key: string): boolean => registry?.effect(key) !== undefined;
      return issue === null ? null : { number: issue, isEdited: has(keys.edited), isClosed: has(keys.closed) };
    },
    async expected(featureRequest, all) {
      const { expectedOf } = await import('./engine/expected.ts');
      const known = registry ?? { jobs: () => [], usage: () => [], usageBy: () => [] };
      return expectedOf({ registry: known, config, now: Date.now() }, featureRequest, all);
    },
    async createFeatureRequest(title) {
      const { newFeatureRequest } = await import('#shared/domain/new-feature-request.ts');
      const opened = await vault();
      const note = newFeatureRequest(title, await opened.vault.scan(), opened.policy.folders.features);
      await opened.vault.writeNote(note.path, note.text, 'create');
      return { id: note.id, path: note.path };
    },
    jobs: () => registry?.jobs({ finished: true }) ?? [],
    job: requireJob,
    attempts: (jobId) => registry?.attempts(jobId) ?? [],
    comments: (jobId) => shownComments(registry?.events({ afterSeq: 0, jobId, limit: mostEvents }) ?? []),
    isDraft: (jobId) => isToldDraft(registry?.events({ afterSeq: 0, jobId, limit: mostEvents }) ?? []),
    document: (name) => document(requireJob(name)),
    async diff(name) {
      const job = requireJob(name);
      const url = config.repos[job.repository]?.url;
      if (url === undefined || job.headCommit === null || job.baseCommit === null) {
        throw new OpusError('registry.job-not-found', `${job.id} has no change to show yet.`, {
          hint: `opus job show ${job.id} tells where it is.`,
        });
      }
      const [{ createGitWorktrees }, { createBubblewrapSandbox }] = await Promise.all([
        import('./adapters/git/git-worktrees.ts'),
        import('./adapters/sandbox/bubblewrap.ts'),
      ]);
      const worktrees = createGitWorktrees({ dataFolder: config.data, sandbox: createBubblewrapSandbox() });
      const repository = { name: job.repository, url };
      return {
        text: await worktrees.diff(repository, job.baseCommit, job.headCommit, 5_000_000),
        stat: await worktrees.diffStat(repository, job.baseCommit, job.headCommit),
      };
    },
    async logFiles(jobId) {
      const { logFolder } = await import('./adapters/files/attempt-files.ts');
      const folder = logFolder(config.data, jobId);
      const names = await readdir(folder).catch(() => []);
      const files = await Promise.all(
        names.map(async (name) => ({
          name,
          path: join(folder, name),
          at: (await stat(join(folder, name))).birthtimeMs,
        })),
      );
      return files.sort((left, right) => left.at - right.at).map(({ name, path }) => ({ name, path }));
    },
    async trust() {
      const [{ createTrust }, { openVault }, { checkCodeNote }] = await Promise.all([
        import('./engine/trust.ts'),
        import('./compose-plugin-vault.ts'),
        import('./confirmed-notes.ts'),
      ]);
      return createTrust(openVault(config), registry, { now: Date.now }, checkCodeNote);
    },
    close() {
      registry?.close();
    },
  };
}

const nothingKnown = { attempts: () => [], usage: () => [], decisions: () => [], events: () => [] };
