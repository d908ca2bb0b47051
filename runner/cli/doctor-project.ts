import { toOpusError } from '#shared/domain/errors.ts';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { basename, dirname, isAbsolute } from 'node:path';
import { createHostGit } from '../adapters/git/host-git.ts';
import { surveyAgents, type AgentFinding } from '../compose-agents.ts';
import { broughtNotes } from '../compose-plugin-vault.ts';
import { composeReader } from '../compose-reader.ts';
import { agentKinds } from '../core/agent-kinds.ts';
import type { RepositoryConfig, RunnerConfig } from '../core/configuration.ts';
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
      checks.push(...(await agentChecks(terminal, config, notes)), trustCheck(notes, command('trust')));
    } finally {
      reader.close();
    }
  } catch (thrown) {
    const error = toOpusError(thrown);
    checks.push(missing('agents', error.message, error.hint ?? command('fr validate')));
  }
  return checks;
}

function vaultCheck(config: RunnerConfig): Check {
  const { vault } = config;
  if (vault.writer === 'plugin') return elsewhereCheck(config);
  if (!isFolder(vault.path))
    return missing('vault', `${vault.path} is not a folder.`, 'Name it in opus.yml: vault: { path: … }');
  if (!isWritable(vault.path)) return missing('vault', `${vault.path} cannot be written.`, `chmod u+rwx ${vault.path}`);
  return fine('vault', vault.path);
}

/** Whether it is connected, only a running service knows. */
function elsewhereCheck(config: RunnerConfig): Check {
  const count = broughtNotes(config.data);
  if (count === null) {
    return warning(
      'vault',
      'It is not on this machine, and no device has brought it yet.',
      'Start the service, and pair Obsidian with it: opus pair',
    );
  }
  if (config.vault.name === basename(config.vault.path)) {
    const fix = "Write the vault's name in opus.yml: vault: { writer: plugin, name: … }";
    return warning('vault', 'Links to its notes lead nowhere, since its name in Obsidian is not known.', fix);
  }
  return fine('vault', `Obsidian brings and writes it; ${count} notes were brought.`);
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

/** What the notes on disk need: those that will count once they are confirmed. */
async function agentChecks(terminal: Terminal, config: RunnerConfig, notes: readonly NoteChange[]): Promise<Check[]> {
  const { environment, signal } = terminal;
  const agents = (await surveyAgents({ config, notes, environment, signal })).filter(({ note }) => note !== null);
  const inUse = agents.filter(({ onlyNamed }) => !onlyNamed);
  const byName = agents.filter(({ onlyNamed }) => onlyNamed);
  if (inUse.length === 0) {
    const what = agents.length === 0 ? 'The vault has no agent notes.' : 'No agent note works by itself.';
    return [missing('agents', what, 'opus init writes them; they are in 00_system/opus/agents/.')];
  }
  const checks = inUse.map(agentCheck);
  if (byName.length === 0) return checks;
  const names = (isReady: boolean): string =>
    byName.flatMap(({ name, problem }) => ((problem === null) === isReady ? [name] : [])).join(', ') || 'none';
  return [...checks, fine('agents by name', `ready: ${names(true)}; not ready: ${names(false)}`)];
}

function agentCheck({ name, kind, installed, how, problem, olderThan, profile }: AgentFinding): Check {
  const title = problem?.what === 'note' ? 'agent' : `agent ${name}`;
  if (problem !== null) return missing(title, problem.message, problem.hint);
  const version = installed?.version ?? '';
  if (olderThan !== null) {
    const what = `${kind ?? ''} ${version} is older than ${olderThan}, which is known to work.`;
    return warning(title, what, agentKinds.find((known) => known.name === kind)?.install ?? 'Update it.');
  }
  const isCommand = profile?.driver === 'command' || profile?.driver === 'acp';
  const started = isCommand ? profile.command.join(' ') : `${kind ?? ''} ${version}`.trim();
  return fine(title, profile?.driver === 'command' ? started : `${started}, ${how}`);
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
