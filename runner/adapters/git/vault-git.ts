import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import type { NoteKeyNames } from '#shared/domain/note-keys.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { VaultSync, VaultSyncOutcome } from '../../core/ports/vault-sync.ts';
import { createHostGit, type HostGit } from './host-git.ts';
import { createTurns } from './turns.ts';
import {
  announce,
  applyAdvance,
  conflictOf,
  unfinishedAdvance,
  withdraw,
  type Advance,
  type Applied,
} from './vault-git-apply.ts';
import { nextCommit, type NextCommit } from './vault-git-commit.ts';
import { openWorkFiles, type WorkFiles } from './vault-git-files.ts';
import { releaseOwnLock } from './vault-git-index.ts';
import { createContentMerger } from './vault-git-merge.ts';
import { stagedChanges } from './vault-git-objects.ts';
import { planWork, type WorkPlan } from './vault-git-plan.ts';
import { fetchBranch, pushBranch, type VaultRemote } from './vault-git-remote.ts';
import {
  currentCommit,
  moveReference,
  noFilesFolder,
  openVaultRepository,
  readReference,
  references,
  type VaultRepository,
} from './vault-git-repository.ts';

export interface VaultGitOptions {
  /** The vault's folder: a clone, or a folder in one. */
  readonly root: string;
  /** An address, or the absolute path of a repository. */
  readonly remote: string;
  readonly branch: string;
  readonly git?: HostGit;
  readonly runnerKeys?: NoteKeyNames;
  /** Folders of the vault, asked for at each round, since policy may rename them. */
  readonly reportsFolder: () => string;
  readonly featureFolder: () => string;
  readonly clock: Clock;
  /** How often a round begins anew when the remote moved meanwhile. */
  readonly retries?: number;
  /** The Authorization header for https. */
  readonly authorization?: () => Promise<string | null>;
}

/** The vault as a git repository that others push to; see docs/vault-sync.md for what it promises. */
export function createVaultGit(options: VaultGitOptions): VaultSync {
  const git = options.git ?? createHostGit();
  const names = options.runnerKeys ?? {};
  const remote: VaultRemote = {
    url: options.remote,
    authorization: options.authorization ?? (() => Promise.resolve(null)),
  };
  const remembered = new Map<string, readonly [string, string]>();
  const inTurn = createTurns();

  async function follow(repository: VaultRepository, files: WorkFiles, advance: Advance): Promise<WorkPlan> {
    return planWork(repository, advance, { files, merge: createContentMerger(repository, names), names });
  }

  /** The commit the branch is on, once what a killed round left is finished. */
  async function settledHead(
    repository: VaultRepository,
    files: WorkFiles,
  ): Promise<{ head: string | null; finished: Applied }> {
    const head = await currentCommit(repository);
    await releaseOwnLock(repository);
    await sweep(repository);
    const unfinished = await unfinishedAdvance(repository, head);
    if (unfinished === null) return { head, finished: { written: 0, notes: [] } };
    const plan = await follow(repository, files, unfinished);
    return { head: unfinished.to, finished: await applyAdvance(repository, files, unfinished, plan) };
  }

  /** Null when the remote moved before the push arrived. */
  async function round(): Promise<VaultSyncOutcome | null> {
    const repository = await openVaultRepository(options.root, options.branch, git);
    const files = openWorkFiles(repository, remembered);
    const { head, finished } = await settledHead(repository, files);
    const staged = await stagedChanges(repository, head);
    if (staged.size > 0) throw stagedBySomebody([...staged.keys()]);
    const theirs = await fetchBranch(repository, remote);
    const folder = (path: string): string =>
      repository.prefix + path.replaceAll('\\', '/').replace(/^(?:\.?\/)+|\/+$/g, '');
    const next = await nextCommit(
      repository,
      files,
      { head, theirs },
      {
        reports: folder(options.reportsFolder()),
        features: folder(options.featureFolder()),
        names,
        merge: createContentMerger(repository, names),
        date: new Date(options.clock.now()).toISOString().slice(0, 10),
      },
    );
    const outcome = next === null ? nothingDone : await take(repository, files, head, theirs, next);
    return outcome && withFinished(outcome, finished);
  }

  async function take(
    repository: VaultRepository,
    files: WorkFiles,
    head: string | null,
    theirs: string | null,
    { commit, base, notes, rewritten }: NextCommit,
  ): Promise<VaultSyncOutcome | null> {
    const advance: Advance = { from: head, base, to: commit };
    const plan = await follow(repository, files, advance);
    await refuseConflicts(repository, plan, theirs);
    if (commit !== head) await announce(repository, advance);
    let failure: Error | null = null;
    if (commit !== theirs) {
      try {
        if (!(await pushBranch(repository, remote, commit, theirs))) {
          await withdraw(repository);
          return null;
        }
      } catch (error) {
        // What came from the remote is taken in all the same, and what could not be pushed goes out at a later round.
        failure = asVaultError(error);
      }
    }
    let written = 0;
    const told = [...notes];
    if (commit !== head) {
      if (rewritten && head !== null) await moveReference(repository, references.beforeRewrite, head);
      const applied = await applyAdvance(repository, files, advance, plan);
      written = applied.written;
      told.push(...applied.notes);
    }
    const taken = failure === null ? commit : theirs;
    if (taken !== null && taken !== (await readReference(repository, references.taken))) {
      await moveReference(repository, references.taken, taken);
    }
    if ((await readReference(repository, references.theirs)) !== null) {
      await moveReference(repository, references.theirs, null);
    }
    if (failure !== null) throw failure;
    return { pulled: written > 0, pushed: commit !== theirs, notes: [...new Set(told)] };
  }

  /** Before anything is pushed or written: a person's uncommitted edits may not fit what comes. */
  async function refuseConflicts(
    repository: VaultRepository,
    { changes, plan }: WorkPlan,
    theirs: string | null,
  ): Promise<void> {
    const conflicts: string[] = [];
    for (const path of changes.keys()) {
      const planned = await plan(path);
      if (planned.kind === 'conflict') conflicts.push(`${path} (${planned.where})`);
    }
    if (conflicts.length === 0) return;
    if (theirs !== null) await moveReference(repository, references.theirs, theirs);
    throw conflictOf(conflicts);
  }

  async function sync(): Promise<VaultSyncOutcome> {
    const retries = options.retries ?? 4;
    for (let attempt = 0; attempt <= retries; attempt += 1) {
      const outcome = await round();
      if (outcome !== null) return outcome;
    }
    throw new OpusError('vault.git-failed', `The remote of the vault moved ${retries + 1} times while it was merged.`, {
      hint: 'Nothing is lost; the next round goes on.',
    });
  }

  return {
    sync: () =>
      inTurn('sync', async () => {
        try {
          return await sync();
        } catch (error) {
          throw asVaultError(error);
        }
      }),
  };
}

const nothingDone: VaultSyncOutcome = { pulled: false, pushed: false, notes: [] };

function withFinished(outcome: VaultSyncOutcome, { written, notes }: Applied): VaultSyncOutcome {
  return { ...outcome, pulled: outcome.pulled || written > 0, notes: [...new Set([...notes, ...outcome.notes])] };
}

/** Removes what a killed sync left in the runner's own folder. */
async function sweep({ own }: VaultRepository): Promise<void> {
  for (const name of await readdir(own)) {
    if (name !== noFilesFolder) await rm(join(own, name), { force: true, recursive: true });
  }
}

function stagedBySomebody(paths: readonly string[]): OpusError {
  const list = paths.slice(0, 5).join(', ') + (paths.length > 5 ? ` and ${paths.length - 5} more` : '');
  return new OpusError(
    'vault.git-staged',
    `Somebody staged changes in the vault and has not committed them: ${list}.`,
    {
      hint: 'Commit them there with `git commit`, or take them back with `git restore --staged .`.',
      details: { paths },
    },
  );
}

function asVaultError(error: unknown): OpusError {
  if (error instanceof OpusError) {
    if (!error.code.startsWith('git.')) return error;
    return new OpusError('vault.git-failed', error.message, {
      ...(error.hint === null ? {} : { hint: error.hint }),
      details: error.details,
      cause: error,
    });
  }
  if (!(error instanceof Error) || !('syscall' in error)) return toOpusError(error);
  return new OpusError('vault.git-failed', `A file of the vault could not be read or written: ${error.message}.`, {
    hint: 'Check the disk and that the runner may write the vault and its git directory.',
    cause: error,
  });
}
