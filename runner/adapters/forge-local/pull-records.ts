import { join } from 'node:path';
import * as z from 'zod/mini';
import { OpusError } from '#shared/domain/errors.ts';

/** Git on a directory that no agent can write; the composition passes the runner's own. */
export interface GitRunner {
  run(
    args: readonly string[],
    options: { gitDir: string; input?: string; ownLocks?: readonly string[] },
  ): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>;
}

const pullRecord = z.object({
  number: z.int().check(z.positive()),
  state: z.enum(['open', 'merged', 'closed']),
  job: z.string(),
  head: z.string(),
  base: z.string(),
  commit: z.string(),
  mergeCommit: z.nullable(z.string()),
  title: z.string(),
  body: z.string(),
});

export type PullRecord = z.infer<typeof pullRecord>;

/** A record with the object it was read from, which a change must find unchanged. */
export interface StoredPull {
  readonly blob: string;
  readonly record: PullRecord;
}

export interface PullStore {
  list(): Promise<StoredPull[]>;
  /** False when someone else wrote that number meanwhile; `replaces` null creates. */
  write(record: PullRecord, replaces: string | null): Promise<boolean>;
  /** Null when there is no such branch. */
  branchHead(branch: string): Promise<string | null>;
}

const prefix = 'refs/opus/pulls/';

/** Pull requests as blobs under `refs/opus/pulls/<number>` in the origin itself. */
export function createPullStore(git: GitRunner, gitDir: string): PullStore {
  const call = { gitDir, ownLocks: [join(gitDir, 'refs', 'opus')] };

  async function read(doing: string, args: readonly string[], input?: string): Promise<string> {
    const result = await git.run(args, input === undefined ? call : { ...call, input });
    if (result.exitCode === 0) return result.stdout;
    throw new OpusError('git.failed', `Could not ${doing} in ${gitDir}: ${result.stderr.trim().split('\n')[0] ?? ''}`);
  }

  async function list(): Promise<StoredPull[]> {
    // A record is JSON on one line, so each reference is one line too.
    const listed = await read('list the pull requests', [
      'for-each-ref',
      '--format=%(objectname) %(refname) %(raw)',
      prefix,
    ]);
    return listed
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [blob = '', reference = '', ...text] = line.split(' ');
        return { blob, record: parse(text.join(' '), reference) };
      })
      .sort((one, other) => one.record.number - other.record.number);
  }

  function parse(text: string, reference: string): PullRecord {
    try {
      return pullRecord.parse(JSON.parse(text));
    } catch (error) {
      throw new OpusError('git.failed', `The pull request kept as ${reference} in ${gitDir} is unreadable.`, {
        hint: 'Something else wrote there: remove it with `git update-ref -d`.',
        cause: error,
      });
    }
  }

  async function write(record: PullRecord, replaces: string | null): Promise<boolean> {
    const blob = (await read('write a pull request', ['hash-object', '-w', '--stdin'], JSON.stringify(record))).trim();
    const reference = `${prefix}${record.number}`;
    const before = replaces ?? '0'.repeat(blob.length);
    const result = await git.run(['update-ref', reference, blob, before], call);
    if (result.exitCode === 0) return true;
    const now = await git.run(['rev-parse', '--verify', '--quiet', reference], call);
    const found = now.exitCode === 0 ? now.stdout.trim() : null;
    if (found === blob) return true;
    if (found !== replaces || /cannot lock ref/.test(result.stderr)) return false;
    throw new OpusError(
      'git.failed',
      `Could not record a pull request in ${gitDir}: ${result.stderr.trim().split('\n')[0] ?? ''}`,
    );
  }

  async function branchHead(branch: string): Promise<string | null> {
    const result = await git.run(['rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{commit}`], call);
    return result.exitCode === 0 ? result.stdout.trim() : null;
  }

  return { list, write, branchHead };
}
