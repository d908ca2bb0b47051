import { stat, unlink } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { OpusError } from '#shared/domain/errors.ts';
import { failureOf } from './git-failure.ts';
import { runHostProcess } from './host-process.ts';

/** Git on directories that are the runner's own or a configured origin. Never pass a tree that an agent could write. */
export interface HostGit {
  /** A non-zero exit is a result; rejects only when git itself is missing, was stopped, or ran out of time. */
  run(args: readonly string[], options?: GitCall): Promise<GitResult>;
  /** Standard output as text; a non-zero exit rejects with `git.*` and the sentence `doing` describes. */
  text(doing: string, args: readonly string[], options?: GitCall): Promise<string>;
}

export interface GitCall {
  readonly gitDir?: string;
  readonly workTree?: string;
  readonly indexFile?: string;
  readonly input?: string | Readable;
  readonly maxBytes?: number;
  /** Kept out of argv, addresses and files of configuration. */
  readonly authorization?: GitAuthorization | null;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Folders in which a lock that outlives `lockPatienceMs` belongs to a killed process and is removed. */
  readonly ownLocks?: readonly string[];
}

/** The Authorization header for one server; any other, also one that it redirects to, gets none. */
export interface GitAuthorization {
  readonly url: string;
  readonly value: string;
}

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether `maxBytes` cut standard output; the exit code means nothing then. */
  readonly cut: boolean;
}

export interface HostGitOptions {
  /** Only what finding git and reaching a remote needs is taken from it. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly lockPatienceMs?: number;
}

const passedThrough = [
  'PATH',
  'SSH_AUTH_SOCK',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'no_proxy',
  'NO_PROXY',
  'ALL_PROXY',
] as const;

const fixedConfiguration: readonly (readonly [string, string])[] = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  ['core.autocrlf', 'false'],
  ['core.quotePath', 'false'],
  ['core.fsync', 'committed,reference'],
  ['credential.helper', ''],
  ['commit.gpgSign', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['protocol.ext.allow', 'never'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['push.recurseSubmodules', 'no'],
];

export const opusIdentity = { name: 'Opus Orchestrator', email: 'opus@localhost' } as const;

/** What every git of the runner starts from, on the host and inside a sandbox. */
export const isolatedGitEnvironment: Readonly<Record<string, string>> = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_ALLOW_PROTOCOL: 'file:https:http:ssh',
  GIT_AUTHOR_NAME: opusIdentity.name,
  GIT_AUTHOR_EMAIL: opusIdentity.email,
  GIT_COMMITTER_NAME: opusIdentity.name,
  GIT_COMMITTER_EMAIL: opusIdentity.email,
  LC_ALL: 'C',
};

/** `-c` settings as environment, so that a secret among them is in no process list. */
export function configurationEnvironment(extra: readonly (readonly [string, string])[] = []): Record<string, string> {
  const all = [...fixedConfiguration, ...extra];
  const environment: Record<string, string> = { GIT_CONFIG_COUNT: String(all.length) };
  all.forEach(([key, value], index) => {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  return environment;
}

/**
 * Hazard: git goes on sending its extra headers to wherever it was redirected, so the scope alone does not keep them from
 * another host. No redirect is followed.
 */
function authorized({ url, value }: GitAuthorization): readonly (readonly [string, string])[] {
  if (!URL.canParse(url)) return [];
  const { protocol, origin } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') return [];
  return [
    [`http.${origin}/.extraHeader`, `Authorization: ${value}`],
    ['http.followRedirects', 'false'],
  ];
}

const defaultMaxBytes = 64 * 1024 ** 2;
const defaultTimeoutMs = 15 * 60_000;

export function createHostGit(options: HostGitOptions = {}): HostGit {
  const source = options.environment ?? process.env;
  const lockPatienceMs = options.lockPatienceMs ?? 2000;
  const base: Record<string, string> = { ...isolatedGitEnvironment, GIT_SSH_COMMAND: 'ssh -oBatchMode=yes' };
  for (const name of passedThrough) {
    const value = source[name];
    if (value !== undefined) base[name] = value;
  }

  async function once(args: readonly string[], call: GitCall): Promise<GitResult> {
    const env: Record<string, string> = {
      ...base,
      ...configurationEnvironment(call.authorization ? authorized(call.authorization) : []),
    };
    if (call.gitDir !== undefined) env['GIT_DIR'] = call.gitDir;
    if (call.workTree !== undefined) env['GIT_WORK_TREE'] = call.workTree;
    if (call.indexFile !== undefined) env['GIT_INDEX_FILE'] = call.indexFile;
    const result = await runHostProcess('git', args, {
      env,
      cwd: call.workTree ?? call.gitDir ?? '/',
      input: call.input,
      timeoutMs: call.timeoutMs ?? defaultTimeoutMs,
      maxStdout: call.maxBytes ?? defaultMaxBytes,
      maxStderr: 1024 ** 2,
      signal: call.signal,
    });
    const { error, stopped } = result;
    if (stopped === 'aborted') throw new OpusError('agent.canceled', 'Git was stopped because its job was.');
    if (stopped === 'timeout') throw new OpusError('git.failed', `git ${args[0] ?? ''} took too long and was stopped.`);
    if (error?.code === 'ENOENT') {
      throw new OpusError('git.failed', 'There is no git on PATH, or the folder it should run in is gone.', {
        hint: 'Install git 2.38 or newer; `opus doctor` says how.',
        cause: error,
      });
    }
    if (error !== null || (result.exitCode === null && stopped === null)) {
      const why = result.killedBy === null ? (error?.code ?? 'unknown reason') : `stopped by ${result.killedBy}`;
      throw new OpusError('git.failed', `git ${args[0] ?? ''} could not run to its end: ${why}.`, {
        hint: 'The machine may be out of memory or processes.',
        ...(error === null ? {} : { cause: error }),
      });
    }
    return {
      exitCode: result.exitCode ?? 128,
      stdout: result.stdout.toString('utf8'),
      stderr: result.stderr.toString('utf8'),
      cut: stopped === 'output',
    };
  }

  async function run(args: readonly string[], call: GitCall = {}): Promise<GitResult> {
    for (let round = 0; ; round += 1) {
      const result = await once(args, call);
      if (result.exitCode === 0 || result.cut || round >= 4) return result;
      const lock = /Unable to create '(.+?\.lock)': File exists/.exec(result.stderr)?.[1];
      if (lock === undefined || call.ownLocks === undefined) return result;
      const path = resolve(call.gitDir ?? '/', lock);
      if (!call.ownLocks.some((folder) => isInside(folder, path))) return result;
      await removeOnceStale(path, lockPatienceMs);
    }
  }

  async function text(doing: string, args: readonly string[], call: GitCall = {}): Promise<string> {
    const result = await run(args, call);
    if (result.cut) throw new OpusError('git.failed', `Could not ${doing}: git said more than fits into memory.`);
    if (result.exitCode !== 0) throw failureOf(doing, result.stderr);
    return result.stdout;
  }

  return { run, text };
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && !way.startsWith('..') && !isAbsolute(way);
}

/** Hazard: a lock of a living process must survive, so only one that is still the same file after the patience goes. */
async function removeOnceStale(path: string, patienceMs: number): Promise<void> {
  const seen = await stat(path).catch(() => null);
  if (seen === null) return;
  const remaining = patienceMs - (Date.now() - seen.mtimeMs);
  if (remaining > 0) await pause(remaining);
  const now = await stat(path).catch(() => null);
  if (now?.ino === seen.ino && now.mtimeMs === seen.mtimeMs) await unlink(path).catch(() => undefined);
}
