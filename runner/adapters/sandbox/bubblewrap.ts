import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { Sandbox, SandboxRequest, SandboxResult } from '../../core/ports/sandbox.ts';
import { probeBubblewrap } from './bubblewrap-probe.ts';
import { CgroupLimits, type RunCgroup } from './cgroup-limits.ts';
import { inheritedDescriptors } from './inherited-descriptors.ts';
import { mountArguments } from './mount-plan.ts';
import { NamespaceContainment } from './namespace-containment.ts';
import type { NetworkAccess } from './network-access.ts';
import { ProcessTable } from './process-table.ts';
import { findProgram, innerPath, requireProgram } from './program-lookup.ts';
import { ResourceWatch, threadsPerProcess } from './resource-watch.ts';
import { runResult } from './run-result.ts';
import { superviseRun } from './supervised-run.ts';
import { pathFolders, readablePathsForCommand, toolchainPaths, type ToolchainSources } from './toolchains.ts';
import { isWithin, systemFolders, type Privacy } from './visible-paths.ts';

export interface BubblewrapOptions {
  /** The runner's home: an empty folder inside. Defaults to the user's. */
  readonly home?: string;
  /** Where bubblewrap lies; looked for when absent. */
  readonly program?: string;
  /** The runner's PATH. Defaults to the process's. */
  readonly path?: string;
  /** Bytes of one run that reach its log file. */
  readonly logBytes?: number;
  /** Milliseconds between two looks at memory, processes and disk. */
  readonly watchMs?: number;
  /** What the process list shows for the sandboxes, so that `endOrphans` finds those of a killed runner. */
  readonly name?: string;
}

const isolation = [
  ...['--unshare-all', '--unshare-user', '--disable-userns', '--die-with-parent', '--new-session'],
  ...['--cap-drop', 'ALL'],
];
const argumentsDescriptor = '3';
const statusDescriptor = '4';
const largestScratch = 1024 ** 3;
const toolchainsKnownMs = 5000;

/** Runs programs in namespaces of their own by bubblewrap. */
export function createBubblewrapSandbox(options: BubblewrapOptions = {}): Sandbox {
  const sandbox = new BubblewrapSandbox(options);
  return {
    probe: () => probeBubblewrap(sandbox),
    run: (request) => sandbox.run(request),
  };
}

class BubblewrapSandbox {
  readonly #home: string;
  readonly #path: string;
  readonly #program: string | undefined;
  readonly #logBytes: number;
  readonly #watchMs: number;
  readonly #name: string | null;
  readonly #table: ProcessTable;
  readonly #inherited = inheritedDescriptors();
  #cgroups: CgroupLimits | null = null;
  #cgroupWorks = false;
  #found: { readonly key: string; readonly at: number; readonly paths: readonly string[] } | null = null;

  constructor(options: BubblewrapOptions) {
    const home = options.home ?? homedir();
    this.#home = ['', '/', '/nonexistent', '/dev/null'].includes(home) ? '/home/agent' : home;
    this.#path = options.path ?? process.env['PATH'] ?? '';
    this.#program = options.program;
    this.#logBytes = options.logBytes ?? 10_000_000;
    this.#watchMs = options.watchMs ?? 250;
    this.#name = options.name ?? null;
    this.#table = new ProcessTable(this.#watchMs / 2);
  }

  program(): string | null {
    if (this.#program !== undefined) return existsSync(this.#program) ? this.#program : null;
    return findProgram('bwrap', `${this.#path}:/usr/bin:/usr/local/bin`);
  }

  async run(request: SandboxRequest): Promise<SandboxResult> {
    const program = this.program();
    if (program === null) {
      throw new OpusError('sandbox.unavailable', 'bubblewrap is not installed.', {
        hint: 'apt-get install bubblewrap',
      });
    }
    const view = this.#view(request);
    requireProgram(request.argv[0], { path: view.path, cwd: request.cwd, mounts: request.mounts });
    const network = await openNetwork(request);
    const cgroup = this.#openCgroup(request);
    try {
      const writable = request.mounts.filter(({ mode }) => mode === 'read-write').map(({ source }) => source);
      const containment = new NamespaceContainment(
        this.#table,
        new ResourceWatch(request.limits, writable),
        cgroup,
        request.limits.processes * threadsPerProcess,
      );
      const input = [
        ...isolation,
        ...mountArguments({
          home: this.#home,
          scratchBytes: Math.min(largestScratch, request.limits.memory / 4),
          sharedMemoryBytes: Math.min(largestScratch, request.limits.memory / 8),
          readable: view.readable,
          mounts: [...request.mounts, ...(network?.mounts ?? [])],
          hidden: request.hidden,
        }),
        ...['--chdir', request.cwd],
        ...Object.entries({ HOME: this.#home, ...request.env, PATH: view.path }).flatMap(([name, value]) => [
          '--setenv',
          name,
          value,
        ]),
      ];
      const [file, ...before]: [string, ...string[]] = cgroup === null ? [program] : [...cgroup.command(), program];
      const { ended, output } = await superviseRun(
        request,
        {
          file,
          ...(this.#name === null ? {} : { name: this.#name }),
          args: [
            ...before,
            ...['--args', argumentsDescriptor, '--json-status-fd', statusDescriptor, '--'],
            ...limitedCommand(request, network),
          ],
          cwd: '/',
          // This process is the sandbox's first: what it has in its environment, everything inside can read.
          env: { PATH: view.path },
          detached: false,
          inherited: this.#inherited,
          // By a pipe, for other users of this machine can read the arguments of every process.
          input: input.map((argument) => `${withoutEnd(argument)}\0`).join(''),
          onStatus: (text) => {
            containment.status(text);
          },
        },
        containment,
        { watchMs: this.#watchMs, logBytes: this.#logBytes },
      );
      if (ended.ending === 'exited' && containment.exitCode === null && ended.signal === null) {
        throw startFailure(output.tail());
      }
      return runResult({ ...ended, exitCode: containment.exitCode }, output, network?.refusedHosts() ?? []);
    } finally {
      await cgroup?.remove();
      await network?.close();
    }
  }

  /** What keeps memory and processes within their limits here. */
  caps(): 'cgroup' | 'rlimit' {
    return this.#cgroupWorks ? 'cgroup' : 'rlimit';
  }

  #openCgroup(request: SandboxRequest): RunCgroup | null {
    this.#cgroups ??= new CgroupLimits();
    const cgroup = this.#cgroups.open(request.limits);
    this.#cgroupWorks = cgroup !== null;
    return cgroup;
  }

  /** Looking through PATH follows hundreds of links, and what is installed hardly changes from run to run. */
  #toolchains(sources: ToolchainSources, privacy: Privacy): readonly string[] {
    const key = JSON.stringify([sources, privacy]);
    const now = performance.now();
    if (this.#found?.key !== key || now - this.#found.at > toolchainsKnownMs) {
      this.#found = { key, at: now, paths: toolchainPaths(sources, privacy) };
    }
    return this.#found.paths;
  }

  #view(request: SandboxRequest): { path: string; readable: string[] } {
    const privacy = { home: this.#home, hidden: request.hidden };
    const sources = { path: this.#path, execPath: process.execPath, goRoot: process.env['GOROOT'] };
    const readable = [...this.#toolchains(sources, privacy), ...readablePathsForCommand(request.argv, privacy)];
    const shown = [...[...systemFolders, ...readable], ...request.mounts.map(({ source, target }) => target ?? source)];
    const path = innerPath(pathFolders(this.#path), (folder) =>
      shown.some((place) => isWithin(folder, place) || dirname(place) === folder),
    );
    return { path, readable };
  }
}

/** Limits are set inside: outside, the number of processes would count all others of the same user. */
function limitedCommand(request: SandboxRequest, network: NetworkAccess | null): string[] {
  const { limits } = request;
  const caps = [
    `--nproc=${limits.processes * threadsPerProcess}`,
    `--data=${limits.memory}`,
    `--fsize=${limits.disk}`,
    '--core=0',
  ];
  // Bubblewrap adds PWD, which nobody asked for.
  const plain = request.env['PWD'] === undefined ? ['/usr/bin/env', '-u', 'PWD'] : [];
  return ['/usr/bin/prlimit', ...caps, '--', ...plain, ...(network?.command ?? []), ...request.argv];
}

/** What follows a NUL would be another argument of bubblewrap: a mount, for instance. */
function withoutEnd(argument: string): string {
  if (!argument.includes('\0')) return argument;
  throw new OpusError('sandbox.start-failed', 'A value for the sandbox has a NUL character in it, which nothing may.');
}

/** With nothing to reach nothing of it is even loaded. */
async function openNetwork({ network, forwards = [] }: SandboxRequest): Promise<NetworkAccess | null> {
  if (network.length === 0 && forwards.length === 0) return null;
  const { openNetworkAccess } = await import('./network-access.ts');
  return openNetworkAccess(network, forwards);
}

function startFailure(tail: string): OpusError {
  const reason =
    tail
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^bwrap: /, '') ?? '';
  return new OpusError(
    'sandbox.start-failed',
    `The sandbox could not be set up: ${reason === '' ? 'it gave no reason' : reason}.`,
    {
      hint: '`opus doctor` says whether sandboxes work on this machine.',
      details: { tail },
    },
  );
}
