import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentRequest } from '../../../core/ports/agent.ts';
import type { Mount, Sandbox, SandboxRequest, SandboxResult } from '../../../core/ports/sandbox.ts';
import { runningOutput } from './capped-text.ts';

/** What a model did wrong with a tool, in a sentence for it. */
export class ToolProblem extends Error {
  override readonly name = 'ToolProblem';
}

/** The agent's tree, looked at and changed inside the sandbox alone: the tree's links and races are of its own making. */
export interface TreeFiles {
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<'added' | 'changed'>;
  /** Paths of files, sorted; folders that hold no work of people are left out. */
  list(folder: string, pattern: string | null): Promise<string>;
  search(options: SearchOptions): Promise<string>;
  command(command: string, timeoutMs: number): Promise<string>;
}

export interface SearchOptions {
  readonly pattern: string;
  readonly path: string;
  readonly files: string | null;
  readonly ignoreCase: boolean;
}

export interface TreeFilesOptions {
  readonly sandbox: Sandbox;
  readonly request: AgentRequest;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly signal: AbortSignal;
  /** Told of output while a command runs; must not throw. */
  readonly onOutput: (text: string) => void;
  readonly onRefusedHosts: (hosts: readonly string[]) => void;
}

const largestFile = 2_000_000;
const lookTimeoutMs = 30_000;
/** More than a model is shown, so that the cut is made by lines. */
const mostCaptured = 200_000;

/** Links are followed as far as they lead to what the agent was given, named line by line in $OPUS_ROOTS. */
const within = `set -f
within() {
  real=$(readlink -f -- "$1") || { echo "There is no $1." >&2; exit 3; }
  IFS='
'
  for root in $OPUS_ROOTS; do
    root=$(readlink -f -- "$root") || continue
    case "$real/" in "$root"/*) return;; esac
  done
  echo "$1 is outside of the repository." >&2
  exit 3
}
`;

const readScript = `${within}
if [ -d "$1" ]; then echo "$1 is a folder." >&2; exit 3; fi
if [ ! -e "$1" ]; then echo "There is no file $1." >&2; exit 3; fi
within "$1"
if [ ! -f "$1" ]; then echo "$1 is not a plain file." >&2; exit 3; fi
head -c "$2" -- "$1"`;

const writeScript = `${within}
if [ -e "$1" ] && [ ! -f "$1" ]; then echo "$1 is not a plain file." >&2; exit 3; fi
mkdir -p -- "$(dirname -- "$1")" || exit 3
within "$1"
if [ -e "$1" ]; then echo changed; else echo added; fi
cat -- "$2" > "$1"`;

const listScript = `${within}
if [ ! -d "$1" ]; then echo "There is no folder $1." >&2; exit 3; fi
within "$1"
find "$1" \\( -name .git -o -name node_modules \\) -prune -o \\( -type f -o -type l \\) "$2" "$3" -print \\
  | head -c "$4" | sed 's|^\\./||' | LC_ALL=C sort`;

const searchScript = `${within}
if [ ! -e "$1" ]; then echo "There is no $1." >&2; exit 3; fi
within "$1"
flags=-rnIEH; if [ "$4" = ignore ]; then flags=-irnIEH; fi
grep $flags --exclude-dir=.git --exclude-dir=node_modules --include="$3" -e "$2" -- "$1" \\
  | head -c "$5" | cut -c 1-500 | sed 's|^\\./||'`;

const commandScript =
  'unset OPUS_ROOTS; if command -v bash > /dev/null; then exec bash -c "$1"; else exec sh -c "$1"; fi';

export function createTreeFiles(options: TreeFilesOptions): TreeFiles {
  const { sandbox, request, signal } = options;
  const root = request.tree.path;
  const roots = (mode: Mount['mode'] | null): string =>
    options.mounts
      .filter((mount) => mode === null || mount.mode === mode)
      .map(({ source, target }) => target ?? source)
      .join('\n');
  // By the environment: the sandbox takes an absolute path among the arguments for one that the program must see.
  const run = async (
    script: string,
    values: readonly string[],
    more: Partial<SandboxRequest> & { readonly roots?: string } = {},
  ): Promise<SandboxResult> => {
    const { roots: given = roots(null), ...rest } = more;
    // It would end the value, and begin another setting of the sandbox.
    if (values.some((value) => value.includes('\0'))) throw new ToolProblem('A NUL character is allowed nowhere.');
    const named = Object.fromEntries(values.map((value, index) => [`OPUS_VALUE_${index + 1}`, value]));
    const set = `set -- ${values.map((_, index) => `"$OPUS_VALUE_${index + 1}"`).join(' ')}`;
    return sandbox.run({
      argv: ['/bin/sh', '-c', `${set}; unset ${Object.keys(named).join(' ')}\n${script}`],
      cwd: root,
      env: { ...options.env, ...named, OPUS_ROOTS: given },
      mounts: options.mounts,
      hidden: request.hidden,
      network: [],
      limits: request.limits,
      timeoutMs: Math.min(lookTimeoutMs, request.timeoutMs),
      signal,
      ...rest,
    });
  };

  async function look(
    script: string,
    values: readonly string[],
    bytes: number,
    more: Parameters<typeof run>[2] = {},
  ): Promise<Buffer> {
    const result = await run(script, values, { captureStdout: bytes, ...more });
    const said = result.tail.trim().slice(0, 500);
    // What grep says of a bad pattern is lost in its pipe's exit code.
    if (result.ending !== 'exited' || result.exitCode !== 0 || (said !== '' && result.stdout.length === 0)) {
      throw new ToolProblem(said || endingText(result, lookTimeoutMs));
    }
    return Buffer.from(result.stdout);
  }

  return {
    async read(path) {
      const bytes = await look(readScript, [inTree(path), String(largestFile + 1)], largestFile + 2);
      if (bytes.length > largestFile) throw new ToolProblem(`${path} is larger than ${largestFile} bytes: use search.`);
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch {
        throw new ToolProblem(`${path} is not a text file.`);
      }
    },
    async write(path, text) {
      const source = join(request.attemptFolder, 'content');
      await writeFile(source, text, { mode: 0o600 });
      const said = await look(writeScript, [inTree(path), source], 100, {
        mounts: [...options.mounts, { source, mode: 'read-only' }],
        roots: roots('read-write'),
      });
      return said.toString().trim() === 'added' ? 'added' : 'changed';
    },
    async list(folder, pattern) {
      const test = pattern?.includes('/') === true ? ['-path', `*/${pattern.replace(/^\//, '')}`] : null;
      const values = [inTree(folder), ...(test ?? ['-name', pattern ?? '*']), String(mostCaptured)];
      return (await look(listScript, values, mostCaptured + 1)).toString().trimEnd();
    },
    async search({ pattern, path, files, ignoreCase }) {
      const values = [inTree(path), pattern, files ?? '*', ignoreCase ? 'ignore' : 'exact', String(mostCaptured)];
      return (await look(searchScript, values, 2 * mostCaptured)).toString().trimEnd();
    },
    async command(command, timeoutMs) {
      const output = runningOutput();
      const result = await run(commandScript, [command], {
        network: request.profile.network,
        timeoutMs,
        stallMs: request.stallMs,
        onOutput: (text) => {
          output.take(text);
          options.onOutput(text);
        },
      });
      options.onRefusedHosts(result.refusedHosts);
      const refused = result.refusedHosts.map((host) => `\n[${host} cannot be reached from here]`).join('');
      return `[${endingText(result, timeoutMs)}]\n${output.text()}${refused}`.trimEnd();
    },
  };
}

/** What begins with a hyphen would be taken for an option. */
function inTree(path: string): string {
  const asked = path.trim() === '' ? '.' : path;
  return asked.startsWith('/') || asked === '.' || asked.startsWith('./') ? asked : `./${asked}`;
}

function endingText({ ending, exitCode }: SandboxResult, timeoutMs: number): string {
  switch (ending) {
    case 'exited':
      return exitCode === null ? 'ended by a signal' : `exit code ${exitCode}`;
    case 'timeout':
      return `stopped: it did not end within ${Math.round(timeoutMs / 1000)} seconds`;
    case 'stalled':
      return 'stopped: it printed nothing for too long';
    case 'memory':
      return 'stopped: it used more memory than is allowed';
    case 'disk':
      return 'stopped: it wrote more than is allowed';
    case 'processes':
      return 'stopped: it started more processes than are allowed';
    case 'aborted':
      return 'stopped: the run was ended';
  }
}
