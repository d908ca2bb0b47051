import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { RunnerProblem } from '../../shared/protocol/runner-status.ts';
import { releaseAll } from '../../runner/compose.ts';
import { composeParts, type Releases, type RunnerParts } from '../../runner/compose-parts.ts';
import { serviceTasks } from '../../runner/compose-service-tasks.ts';
import { loadConfig } from '../../runner/config/load.ts';
import type { Job } from '../../runner/core/ports/job-registry.ts';
import type { RepositoryAddress, Tree } from '../../runner/core/ports/worktrees.ts';
import { makeKillLab, type KillLab } from './kill-lab.ts';
import { aJob } from './records.ts';

export const dayMs = 24 * 3_600_000;

/** The parts of a service with its tasks, on a vault and a repository of its own, at a time that the test sets. */
export interface HousekeepingLab extends KillLab {
  readonly data: string;
  readonly repository: RepositoryAddress;
  now: number;
  parts: RunnerParts;
  /** Runs a task of the service. */
  run(task: string): Promise<readonly RunnerProblem[]>;
  /** Leaves the data folder to another process until `restart`. */
  pause(): Promise<void>;
  /** The same data folder in a process that has begun anew. */
  restart(): Promise<void>;
  /** A job in the registry, whose last change was at the lab's time. */
  add(id: string, fields?: Partial<Job>): Job;
  /** An agent's tree of the job at the base, in which an agent wrote these files. */
  tree(job: string, files?: Readonly<Record<string, string>>): Promise<Tree>;
  /** What an agent wrote in the tree, committed and kept for the job. */
  commit(tree: Tree): Promise<string>;
  dispose(): Promise<void>;
}

export async function openHousekeepingLab(more = ''): Promise<HousekeepingLab> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'keep-')));
  const lab = makeKillLab(folder);
  if (more !== '') writeFileSync(lab.config, `${readFileSync(lab.config, 'utf8')}${more}\n`);
  let releases: Releases = [];
  let tasks: ReturnType<typeof serviceTasks> = [];

  async function open(): Promise<RunnerParts> {
    releases = [];
    const parts = await composeParts(
      loadConfig(lab.config),
      { clock: { now: () => self.now } },
      releases,
      () => undefined,
    );
    tasks = serviceTasks(parts);
    return parts;
  }

  const self: HousekeepingLab = {
    ...lab,
    data: join(folder, 'data'),
    repository: { name: 'app', url: lab.origin },
    now: Date.now(),
    parts: undefined as never,
    async run(name) {
      const task = tasks.find((candidate) => candidate.name === name);
      if (!task) throw new Error(`There is no task ${name}.`);
      return await task.run();
    },
    async pause() {
      await releaseAll(releases);
      releases = [];
    },
    async restart() {
      await self.pause();
      self.parts = await open();
    },
    add(id, fields = {}) {
      const [, featureRequestId = '', number = ''] = /^(.+)-(\d+)$/.exec(id) ?? [];
      const job = aJob({
        id,
        featureRequestId,
        number: Number(number),
        branch: `opus/${id}`,
        createdAt: self.now,
        updatedAt: self.now,
        ...fields,
      });
      self.parts.dependencies.registry.commit(null, null, { insertJob: job });
      return job;
    },
    async tree(job, files = {}) {
      const { worktrees } = self.parts.dependencies;
      const commit = await worktrees.fetch(self.repository, 'main');
      const tree = await worktrees.prepare({ repository: self.repository, job, use: 'agent', commit, writable: true });
      for (const [path, text] of Object.entries(files)) writeFileSync(join(tree.path, path), text);
      return tree;
    },
    async commit(tree) {
      const { worktrees, config } = self.parts.dependencies;
      const limits = config.limits.sandbox;
      const commit = await worktrees.commit({ tree, message: 'Work', trailers: [], limits });
      if (commit === null) throw new Error('There was nothing to commit.');
      await worktrees.keep(self.repository, tree.job, commit);
      return commit;
    },
    async dispose() {
      await releaseAll(releases);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  self.parts = await open();
  return self;
}

export interface ArchivedLine {
  readonly key: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** Every line of every month's file in a data folder's archive. */
export function readArchive(data: string): ArchivedLine[] {
  const folder = join(data, 'archive');
  return readdirSync(folder)
    .filter((name) => /^\d{4}-\d{2}\.jsonl\.gz$/.test(name))
    .flatMap((name) =>
      gunzipSync(readFileSync(join(folder, name)))
        .toString('utf8')
        .split('\n'),
    )
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ArchivedLine);
}
