import { OpusError } from '#shared/domain/errors.ts';
import type { DiffStat, MergeOutcome, MergeRequest, RepositoryAddress, Worktrees } from '../../core/ports/worktrees.ts';
import { withTrailers } from './commit-message.ts';
import { failureOf } from './git-failure.ts';
import type { GitCall, GitResult, HostGit } from './host-git.ts';
import type { Mirrors } from './mirror.ts';
import type { TreesOfCommits } from './trees-of-commits.ts';

type History = Pick<Worktrees, 'isAncestor' | 'diff' | 'diffStat' | 'merge' | 'findMerge'>;

/** How many merges of a base are looked through for one that was made and not recorded. */
const mergesLookedAt = 2000;
const diffOptions = ['--no-ext-diff', '--no-textconv', '--no-color', '--ignore-submodules=none', '-M'] as const;

export function createHistory(git: HostGit, mirrors: Mirrors, trees: TreesOfCommits): History {
  const stats = new KnownOfCommits<DiffStat>();

  /** Of `base...head`, or of both ends where nothing is common to them. */
  async function differ(
    call: GitCall,
    base: string,
    head: string,
    options: readonly string[] = [],
  ): Promise<GitResult> {
    const args = ['diff', ...diffOptions, ...options];
    const result = await git.run([...args, `${base}...${head}`, '--'], call);
    return /: no merge base/.test(result.stderr) ? git.run([...args, base, head, '--'], call) : result;
  }

  async function isAncestor(repository: RepositoryAddress, ancestor: string, descendant: string): Promise<boolean> {
    const result = await git.run(['merge-base', '--is-ancestor', ancestor, descendant], mirrors.call(repository));
    if (result.exitCode > 1) throw failureOf('compare two commits', result.stderr);
    return result.exitCode === 0;
  }

  async function diff(repository: RepositoryAddress, base: string, head: string, maxBytes: number): Promise<string> {
    // One byte more than wanted tells a diff that fits exactly from one that was cut.
    const result = await differ({ ...mirrors.call(repository), maxBytes: maxBytes + 1 }, base, head);
    if (!result.cut && result.exitCode !== 0) throw failureOf('make the diff', result.stderr);
    if (!result.cut && Buffer.byteLength(result.stdout) <= maxBytes) return result.stdout;
    const kept = Buffer.from(result.stdout).subarray(0, maxBytes);
    const lineEnd = kept.lastIndexOf(0x0a);
    return `${kept.subarray(0, lineEnd + 1).toString('utf8')}… the diff is longer and was cut here at ${maxBytes} bytes\n`;
  }

  const diffStat = (repository: RepositoryAddress, base: string, head: string): Promise<DiffStat> =>
    stats.of(base, head, () => countChanges(repository, base, head));

  async function countChanges(repository: RepositoryAddress, base: string, head: string): Promise<DiffStat> {
    const result = await differ(mirrors.call(repository), base, head, ['--numstat', '-z']);
    if (result.exitCode !== 0 || result.cut) throw failureOf('count what changed', result.stderr);
    const fields = result.stdout.split('\0');
    const files: DiffStat['files'][number][] = [];
    for (let index = 0; index < fields.length - 1; index += 1) {
      const [added = '-', removed = '-', path = ''] = (fields[index] ?? '').split('\t');
      // A rename has no path of its own but the old and the new one as further fields.
      if (path === '') index += 2;
      files.push({
        path: path === '' ? (fields[index] ?? '') : path,
        added: added === '-' ? null : Number(added),
        removed: removed === '-' ? null : Number(removed),
      });
    }
    const sum = (side: 'added' | 'removed'): number => files.reduce((total, file) => total + (file[side] ?? 0), 0);
    return { files, added: sum('added'), removed: sum('removed') };
  }

  async function merge(request: MergeRequest): Promise<MergeOutcome> {
    const call = mirrors.call(request.repository);
    const result = await git.run(
      ['merge-tree', '--write-tree', '--messages', '--name-only', '-z', request.base, request.head],
      call,
    );
    if (/unrelated histories/.test(result.stderr)) {
      throw new OpusError(
        'git.conflict',
        `The branch and its base in '${request.repository.name}' have no commit in common.`,
        {
          hint: 'The base was rewritten: dispatch the feature request again.',
        },
      );
    }
    if (result.exitCode > 1 || result.cut) throw failureOf(`merge in '${request.repository.name}'`, result.stderr);
    const [tree = '', ...rest] = result.stdout.split('\0');
    const made = await git.text(
      'make the merge commit',
      ['commit-tree', tree, '-p', request.base, '-p', request.head, '-F', '-'],
      { ...call, input: withTrailers(request.message, request.trailers) },
    );
    const commit = made.trim();
    trees.know(commit, tree);
    return result.exitCode === 0 ? { kind: 'merged', commit } : { kind: 'conflict', commit, ...conflictOf(rest) };
  }

  async function findMerge(repository: RepositoryAddress, base: string, job: string): Promise<string | null> {
    const start = fullId.test(base) ? base : `refs/origin/${base}`;
    const format = '--format=%H%x09%(trailers:key=Opus-Job,valueonly,separator=%x2C)';
    const log = await git.text(
      `look through the merges of ${base}`,
      [
        'log',
        '--first-parent',
        '--min-parents=2',
        '--max-parents=2',
        `--max-count=${mergesLookedAt}`,
        format,
        start,
        '--',
      ],
      mirrors.call(repository),
    );
    for (const line of log.split('\n')) {
      const [commit = '', jobs = ''] = line.split('\t');
      if (jobs.split(',').includes(job)) return commit;
    }
    return null;
  }

  return { isAncestor, diff, diffStat, merge, findMerge };
}

const fullId = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const pairsKept = 256;

/** What lies between two commits never changes, so it is asked for once; the pair asked for longest ago goes first. */
class KnownOfCommits<Value> {
  readonly #known = new Map<string, Value>();

  async of(base: string, head: string, find: () => Promise<Value>): Promise<Value> {
    if (!fullId.test(base) || !fullId.test(head)) return find();
    const key = `${base} ${head}`;
    const found = this.#known.get(key) ?? (await find());
    this.#known.delete(key);
    this.#known.set(key, found);
    const [oldest] = this.#known.keys();
    if (this.#known.size > pairsKept && oldest !== undefined) this.#known.delete(oldest);
    return found;
  }
}

/** Fields after the tree: the files, an empty field, then messages as `count, path…, kind, text`. */
function conflictOf(fields: readonly string[]): { files: string[]; detail: string } {
  const end = fields.indexOf('');
  const messages = fields.slice(end + 1).filter((field) => /^CONFLICT .*\n$/s.test(field));
  return { files: [...new Set(fields.slice(0, end))], detail: messages.join('').trim().slice(0, 4000) };
}
