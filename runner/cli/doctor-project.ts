import { toOpusError } from '#shared/domain/errors.ts';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { createHostGit } from '../adapters/git/host-git.ts';
import { findProgram } from '../adapters/sandbox/program-lookup.ts';
import { parseAgentNote } from '../adapters/vault/agent-note.ts';
import { composeReader } from '../compose-reader.ts';
import { endpointsOf } from '../core/agents.ts';
import type { RepositoryConfig, RunnerConfig } from '../core/configuration.ts';
import type { AgentProfile } from '../core/ports/agent.ts';
import type { NoteChange } from '../engine/trust.ts';
import { locateConfig } from './configuration.ts';
import { fine, missing, warning, type Check } from './doctor-check.ts';
import { githubChecks, githubOf } from './doctor-github.ts';
import type { Terminal } from './terminal.ts';

const gigabyte = 1024 ** 3;
const leastSpace = gigabyte;
const repositoryTimeoutMs = 20_000;

/** What this project needs: its vault, repositories, agents and data folder. */
export async function projectChecks(
  terminal: Terminal,
  config: RunnerConfig,
  option: string | undefined,
): Promise<Check[]> {
  const { command } = locateConfig({ ...terminal, err: () => undefined }, option);
  const checks = [vaultCheck(config)];
  const github = githubOf(terminal, config);
  for (const [name, repository] of Object.entries(config.repos)) {
    const authorization = (): Promise<string | null> => github.authorization({ name, url: repository.url });
    checks.push(await repositoryCheck(name, repository, authorization));
    checks.push(...(await githubChecks(github, config, name)));
  }
  checks.push(dataCheck(config), await spaceCheck(config));
  try {
    const reader = composeReader(config);
    try {
      const notes = await (await reader.trust()).changes();
      checks.push(...agentChecks(terminal, config, notes), trustCheck(notes, command('trust')));
    } finally {
      reader.close();
    }
  } catch (thrown) {
    const error = toOpusError(thrown);
    checks.push(missing('agents', error.message, error.hint ?? command('fr validate')));
  }
  return checks;
}

function vaultCheck({ vault }: RunnerConfig): Check {
  if (!isFolder(vault.path))
    return missing('vault', `${vault.path} is not a folder.`, 'Name it in opus.yml: vault: { path: … }');
  if (!isWritable(vault.path)) return missing('vault', `${vault.path} cannot be written.`, `chmod u+rwx ${vault.path}`);
  return fine('vault', vault.path);
}

async function repositoryCheck(
  name: string,
  repository: RepositoryConfig,
  authorization: () => Promise<string | null>,
): Promise<Check> {
  const title = `repos.${name}`;
  const { url, base } = repository;
  const git = createHostGit();
  if (isAbsolute(url) && !existsSync(url)) {
    return missing(title, `${url} does not exist.`, `git init --bare --initial-branch=${base} ${url}, and push to it`);
  }
  const heads = await authorization()
    .then((value) =>
      git.run(['ls-remote', '--heads', '--', url, `refs/heads/${base}`], {
        timeoutMs: repositoryTimeoutMs,
        authorization: value === null ? null : { url, value },
      }),
    )
    .catch((thrown: unknown) => ({ exitCode: 1, stdout: '', stderr: toOpusError(thrown).message }));
  if (heads.exitCode !== 0) {
    const said = heads.stderr.trim().split('\n').at(-1) ?? '';
    return missing(title, `${url} cannot be read: ${said}`, `git ls-remote ${url}`);
  }
  if (heads.stdout.trim() === '') {
    return missing(title, `${url} has no branch ${base}.`, `Push one, or name another in opus.yml: repos.${name}.base`);
  }
  if (isAbsolute(url) && existsSync(`${url}/.git`)) {
    const fix = `git clone --bare ${url} ${url}.git, and name that in opus.yml`;
    return missing(title, `${url} is a working copy; merging into a branch that is checked out there is refused.`, fix);
  }
  if (repository.test === null) {
    return warning(
      title,
      `${url}, ${base}; it names no test command, so nothing is tested.`,
      `Write repos.${name}.test in opus.yml.`,
    );
  }
  return fine(title, `${url}, ${base}`);
}

function dataCheck({ data }: RunnerConfig): Check {
  const folder = existingParent(data);
  if (isFolder(folder) && isWritable(folder)) return fine('data', data);
  return missing(
    'data',
    `${folder} cannot be written.`,
    `chmod u+rwx ${folder}, or name another data folder in opus.yml`,
  );
}

async function spaceCheck({ data }: RunnerConfig): Promise<Check> {
  const { bavail, bsize } = await statfs(existingParent(data));
  const detail = `${((bavail * bsize) / gigabyte).toFixed(1)} GB free`;
  return bavail * bsize >= leastSpace
    ? fine('disk', detail)
    : missing('disk', `Only ${detail}.`, `Make room where ${data} is.`);
}

/** Whether the commands of the notes on disk are there: those that will count once they are confirmed. */
function agentChecks(terminal: Terminal, config: RunnerConfig, notes: readonly NoteChange[]): Check[] {
  const agents = notes.filter((note) => note.kind === 'agent' && note.after !== null);
  if (agents.length === 0) {
    return [
      missing('agents', 'The vault has no agent notes.', 'opus init writes them; they are in 00_system/opus/agents/.'),
    ];
  }
  return agents.map(({ path, after }) => {
    const parsed = parseAgentNote(path, after ?? '');
    if (parsed.kind === 'invalid') {
      const [first] = parsed.problems;
      return missing(
        'agent',
        `${path}:${first?.line ?? 1}: ${first?.message ?? 'It cannot be read.'}`,
        first?.hint ?? '',
      );
    }
    const { profile } = parsed;
    const title = `agent ${profile.name}`;
    if (profile.driver !== 'command' && profile.driver !== 'acp') return driverCheck(terminal, config, profile, title);
    const words = profile.command.map((word) => word.replaceAll('{{config_dir}}', config.folder));
    const gone = words.find((word, at) => !isThere(word, at === 0, terminal));
    if (gone === undefined) return fine(title, words.join(' '));
    const what = gone.includes('/') ? `${gone} does not exist.` : `The program ${gone} is not on PATH.`;
    return missing(title, what, `Install it, or name another command in ${path}.`);
  });
}

/** A driver of a model needs the way to it; one of a CLI needs that CLI too. */
function driverCheck(terminal: Terminal, config: RunnerConfig, profile: AgentProfile, title: string): Check {
  const { driver, path } = profile;
  if (driver !== 'llm' && findProgram(driver, terminal.environment['PATH'] ?? '') === null) {
    return missing(title, `The program ${driver} is not on PATH.`, `Install it, or name another driver in ${path}.`);
  }
  const models =
    typeof profile.model === 'object' && profile.model !== null ? Object.values(profile.model) : [profile.model ?? ''];
  const endpoints = [...new Set(models.flatMap((model) => endpointsOf(profile, model)))];
  const absent = endpoints.find((name) => config.models[name] === undefined);
  if (endpoints.length === 0 || absent !== undefined) {
    const what = absent === undefined ? 'names no model as ENDPOINT/MODEL' : `needs models.${absent} in opus.yml`;
    return missing(title, `${path} ${what}.`, 'models: { anthropic: { key: env:ANTHROPIC_API_KEY } }');
  }
  return fine(title, `${driver} by ${endpoints.join(', ')}`);
}

function isThere(word: string, isProgram: boolean, terminal: Terminal): boolean {
  if (isAbsolute(word) && !word.includes('{{')) return existsSync(word);
  if (!isProgram || word.includes('/') || word.includes('{{')) return true;
  return findProgram(word, terminal.environment['PATH'] ?? '') !== null;
}

function trustCheck(notes: readonly NoteChange[], command: string): Check {
  const waiting = notes.filter((note) => note.state !== 'confirmed');
  if (waiting.length === 0) return fine('trust', `${notes.length} notes are in force`);
  const names = waiting.map((note) => `${note.path} (${note.state})`).join(', ');
  return missing('trust', `Not in force: ${names}.`, command);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function existingParent(path: string): string {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
