import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { OpusError } from '#shared/domain/errors.ts';
import type { Forge, OpenPullRequest, PullRequest } from '../../core/ports/forge.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import { createPullStore, type GitRunner, type PullRecord, type PullStore, type StoredPull } from './pull-records.ts';

export interface LocalForgeOptions {
  readonly git: GitRunner;
}

interface Place {
  readonly url: string;
  readonly pulls: PullStore;
}

/** How often a change is tried that another writer got in before. */
const writesTried = 20;

/** Pull requests without a server, kept in the origin's own repository. */
export function createLocalForge(options: LocalForgeOptions): Forge {
  async function placeOf(repository: RepositoryAddress): Promise<Place> {
    const folder = localFolder(repository);
    for (const gitDir of [folder, join(folder, '.git')]) {
      if ((await isFolder(join(gitDir, 'objects'))) && (await isFolder(join(gitDir, 'refs')))) {
        return { url: pathToFileURL(folder).href, pulls: createPullStore(options.git, gitDir) };
      }
    }
    throw new OpusError('git.repository-missing', `There is no git repository for '${repository.name}' at ${folder}.`, {
      hint: `Correct repos.${repository.name}.url in opus.yml.`,
    });
  }

  /** An open pull request follows its branch, as on any forge. */
  async function shown(place: Place, record: PullRecord): Promise<PullRequest> {
    const { number, state, head, base, mergeCommit } = record;
    const live = state === 'open' ? await place.pulls.branchHead(head) : null;
    return {
      number,
      url: `${place.url}#pull/${number}`,
      state,
      head,
      base,
      commit: live ?? record.commit,
      mergeCommit,
    };
  }

  async function open(request: OpenPullRequest): Promise<PullRequest> {
    const place = await placeOf(request.repository);
    const { job, head, base, commit, title, body } = request;
    const record = await written(place, request.head, (all) => {
      const found = newestOf(all, head);
      if (found?.record.state === 'merged') return found.record;
      if (found?.record.state === 'closed') {
        throw new OpusError(
          'forge.pull-request-closed',
          `The pull request ${found.record.number} of ${job} was closed.`,
          {
            hint: `Dispatch the feature request again with --again to begin anew.`,
          },
        );
      }
      const number = found?.record.number ?? Math.max(0, ...all.map((stored) => stored.record.number)) + 1;
      return { number, state: 'open', job, head, base, commit, mergeCommit: null, title, body };
    });
    return shown(place, record);
  }

  async function find(repository: RepositoryAddress, head: string): Promise<PullRequest | null> {
    const place = await placeOf(repository);
    const found = newestOf(await place.pulls.list(), head);
    return found === null ? null : shown(place, found.record);
  }

  async function change(
    repository: RepositoryAddress,
    number: number,
    decide: (record: PullRecord) => PullRecord,
  ): Promise<PullRequest> {
    const place = await placeOf(repository);
    const record = await written(place, `pull request ${number}`, (all) => {
      const found = all.find((stored) => stored.record.number === number);
      if (found !== undefined) return decide(found.record);
      throw new OpusError('git.failed', `There is no pull request ${number} in '${repository.name}'.`);
    });
    return shown(place, record);
  }

  const markMerged = (repository: RepositoryAddress, number: number, mergeCommit: string): Promise<PullRequest> =>
    change(repository, number, (record) => {
      if (record.state === 'merged') return record;
      if (record.state === 'open') return { ...record, state: 'merged', mergeCommit };
      throw new OpusError('forge.pull-request-closed', `The pull request ${number} of ${record.job} was closed.`);
    });

  const close = (repository: RepositoryAddress, number: number): Promise<PullRequest> =>
    change(repository, number, (record) => (record.state === 'open' ? { ...record, state: 'closed' } : record));

  const pushTarget = (repository: RepositoryAddress): Promise<RepositoryAddress> => Promise.resolve(repository);

  return { open, find, markMerged, close, pushTarget };
}

/** Reads, decides and writes, again from the start whenever another writer was faster. */
async function written(
  place: Place,
  subject: string,
  decide: (all: readonly StoredPull[]) => PullRecord,
): Promise<PullRecord> {
  for (let tried = 0; tried < writesTried; tried += 1) {
    const all = await place.pulls.list();
    const wanted = decide(all);
    const before = all.find((stored) => stored.record.number === wanted.number);
    if (before !== undefined && JSON.stringify(before.record) === JSON.stringify(wanted)) return wanted;
    if (await place.pulls.write(wanted, before?.blob ?? null)) return wanted;
  }
  throw new OpusError('git.failed', `Others kept changing the pull requests while ${subject} was written.`);
}

function newestOf(all: readonly StoredPull[], head: string): StoredPull | null {
  return all.filter((stored) => stored.record.head === head).at(-1) ?? null;
}

function localFolder(repository: RepositoryAddress): string {
  if (isAbsolute(repository.url)) return repository.url;
  if (repository.url.startsWith('file:///')) return fileURLToPath(repository.url);
  throw new OpusError(
    'forge.unsupported',
    `The local forge needs '${repository.name}' to be a folder on this machine.`,
    {
      hint: `Set repos.${repository.name}.forge to github, or its url to a path.`,
    },
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
