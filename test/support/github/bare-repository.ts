import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Author {
  readonly name: string;
  readonly email: string;
}

export interface CommitFiles {
  readonly branch: string;
  /** Null removes a file. */
  readonly files: Readonly<Record<string, string | null>>;
  readonly message: string;
  readonly author: Author;
  /** A commit to begin at; the branch's own head where it is left out, nothing where it is null. */
  readonly from?: string | null;
  readonly at: number;
}

const none = '0'.repeat(40);

/** Git on a bare repository, at once and synchronously, so that no two requests see half a change. */
export class BareRepository {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  static create(directory: string, branch: string): BareRepository {
    mkdirSync(dirname(directory), { recursive: true });
    runGit(dirname(directory), ['init', '--quiet', '--bare', `--initial-branch=${branch}`, directory]);
    return new BareRepository(directory);
  }

  clone(directory: string): BareRepository {
    mkdirSync(dirname(directory), { recursive: true });
    runGit(this.directory, ['clone', '--quiet', '--bare', this.directory, directory]);
    return new BareRepository(directory);
  }

  git(...args: string[]): string {
    return runGit(this.directory, args);
  }

  /** Null where Git says no. */
  tryGit(...args: string[]): string | null {
    const result = spawnGit(this.directory, args);
    return result.status === 0 ? result.stdout.trimEnd() : null;
  }

  /** Read from the files: asked at every request, too often for a process each. */
  refs(folder: 'heads' | 'tags' | 'pull' = 'heads'): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    const packed = join(this.directory, 'packed-refs');
    if (existsSync(packed)) {
      for (const line of readFileSync(packed, 'utf8').split('\n')) {
        const match = new RegExp(`^([0-9a-f]{40}) refs/${folder}/(.+)$`).exec(line);
        if (match?.[1] !== undefined && match[2] !== undefined) found.set(match[2], match[1]);
      }
    }
    const root = join(this.directory, 'refs', folder);
    if (!existsSync(root)) return found;
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name.endsWith('.lock')) continue;
      const path = join(entry.parentPath, entry.name);
      // A push of this moment may have removed it since it was listed.
      const commit = textOrEmpty(path).trim();
      if (commit.length === 40) found.set(path.slice(root.length + 1), commit);
    }
    return found;
  }

  branch(name: string): string | null {
    return this.refs().get(name) ?? null;
  }

  setRef(ref: string, commit: string | null): void {
    this.git('update-ref', ...(commit === null ? ['-d', ref] : [ref, commit]));
  }

  /** Git reads loose refs as they are written here; it saves a process for each new head of a pull request. */
  setPullRef(number: number, commit: string): void {
    const file = join(this.directory, 'refs', 'pull', String(number), 'head');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${commit}\n`);
  }

  /** Puts a commit on a branch and returns it. */
  commitFiles({ branch, files, message, author, from, at }: CommitFiles): string {
    const parent = from === undefined ? this.branch(branch) : from;
    const who = `${author.name} <${author.email}> ${Math.floor(at / 1000)} +0000`;
    const lines = [
      `commit refs/heads/${branch}`,
      `author ${who}`,
      `committer ${who}`,
      data(message),
      parent === null ? `from ${none}` : `from ${parent}`,
      ...Object.entries(files).map(([path, text]) =>
        text === null ? `D ${path}` : `M 100644 inline ${path}\n${data(text)}`,
      ),
      'done',
    ];
    runGit(this.directory, ['fast-import', '--quiet', '--force', '--done'], `${lines.join('\n')}\n`);
    const commit = this.branch(branch);
    if (commit === null) throw new Error(`No commit was made on ${branch}.`);
    return commit;
  }

  commitTree(tree: string, parents: readonly string[], message: string, author: Author, at: number): string {
    const stamp = `${Math.floor(at / 1000)} +0000`;
    const result = spawnGit(
      this.directory,
      ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent])],
      message,
      {
        GIT_AUTHOR_NAME: author.name,
        GIT_AUTHOR_EMAIL: author.email,
        GIT_AUTHOR_DATE: stamp,
        GIT_COMMITTER_NAME: 'GitHub',
        GIT_COMMITTER_EMAIL: 'noreply@github.com',
        GIT_COMMITTER_DATE: stamp,
      },
    );
    return result.stdout.trim();
  }

  /** The merge's tree, or null where there are conflicts. */
  mergeTree(ours: string, theirs: string): string | null {
    return this.tryGit('merge-tree', '--write-tree', ours, theirs)?.split('\n')[0] ?? null;
  }
}

function textOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

function runGit(directory: string, args: readonly string[], input = ''): string {
  const result = spawnGit(directory, args, input);
  if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
  return result.stdout.trimEnd();
}

function spawnGit(directory: string, args: readonly string[], input = '', environment: Record<string, string> = {}) {
  return spawnSync('git', args, {
    cwd: directory,
    encoding: 'utf8',
    input,
    maxBuffer: 1 << 28,
    env: {
      PATH: process.env['PATH'] ?? '',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_SYSTEM: '/dev/null',
      ...environment,
    },
  });
}
