import { OpusError } from '#shared/domain/errors.ts';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import type { Account } from '../adapters/systemd/account.ts';
import type { ServiceScope, ServiceUnit } from '../adapters/systemd/unit-text.ts';
import { loadConfig } from '../config/load.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import type { ServiceHost } from './service-place.ts';
import type { Terminal } from './terminal.ts';

/** A service as it would be installed, and what a person has to do for it. */
export interface PlannedService {
  readonly unit: ServiceUnit;
  readonly config: RunnerConfig;
  /** Variables that the configuration reads secrets from and the environment file does not set. */
  readonly missingVariables: readonly string[];
}

export interface PlanRequest {
  readonly file: string;
  readonly scope: ServiceScope;
  /** Who it runs as. */
  readonly account: Account;
  readonly host: ServiceHost;
}

const systemPath = ['/usr/local/bin', '/usr/local/sbin', '/usr/bin', '/usr/sbin', '/bin', '/sbin'];

/** Reads the configuration as the service will, but without its secrets, which need not be there yet. */
export function planService(terminal: Terminal, request: PlanRequest): PlannedService {
  const { file, scope, account, host } = request;
  const variables = new Set<string>();
  const config = loadConfig(file, { home: account.home, environment: recording(variables) });
  for (const name of secretVariables(config)) variables.add(name);
  const environmentFile = join(config.data, 'environment');
  const path = servicePath(terminal, host, scope);
  const unit: ServiceUnit = {
    ...{ scope, user: account.name, node: host.node, bin: host.bin, config: file, environmentFile },
    writable: [config.data, ...vaultFolders(config)],
    repositories: Object.values(config.repos).flatMap(({ url }) => (isAbsolute(url) ? [url] : [])),
    path: path.join(delimiter),
    grace: config.timeouts.grace,
    bubblewrapIsSetuid: isSetuid('bwrap', path),
  };
  refuseControls([...[unit.node, unit.bin, unit.config, unit.path], ...unit.writable, ...unit.repositories]);
  const set = variablesIn(environmentFile);
  return { unit, config, missingVariables: [...variables].filter((name) => !set.has(name)).sort() };
}

/** What an installed service does not work without; rejects with what is missing. */
export function requireVault(config: RunnerConfig): void {
  const { path, writer } = config.vault;
  if (writer !== 'runner' || existsSync(path)) return;
  throw new OpusError('vault.not-found', `There is no vault at ${path}.`, {
    hint: 'Make it with `opus init`, or write where it is in opus.yml.',
  });
}

/** A vault that is kept in git may be a folder of a larger working tree. */
function vaultFolders(config: RunnerConfig): string[] {
  const { path, writer, git } = config.vault;
  if (writer !== 'runner') return [];
  return [(git === null ? null : workingTreeOf(path)) ?? path];
}

function workingTreeOf(folder: string): string | null {
  if (existsSync(join(folder, '.git'))) return folder;
  return dirname(folder) === folder ? null : workingTreeOf(dirname(folder));
}

/** The caller's PATH, so that agents are found, without what npm adds to it for itself and what only root can read. */
function servicePath(terminal: Terminal, host: ServiceHost, scope: ServiceScope): string[] {
  const given = (terminal.environment['PATH'] ?? '').split(delimiter);
  const lasting = given.filter(
    (folder) =>
      isAbsolute(folder) &&
      !/\/node_modules\/(?:\.bin|.*\/node-gyp-bin)\/?$/.test(folder) &&
      (scope === 'user' || !/^\/root(?:\/|$)/.test(folder)),
  );
  return [...new Set([dirname(host.node), ...lasting, ...systemPath])];
}

function isSetuid(program: string, path: readonly string[]): boolean {
  for (const folder of path) {
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return (statSync(file).mode & 0o4000) !== 0;
    } catch {
      // Not here.
    }
  }
  return false;
}

/** Unit files are lines: no quoting takes a line end in every setting. */
function refuseControls(paths: readonly string[]): void {
  const odd = paths.find((path) => /\p{Cc}/u.test(path));
  if (odd === undefined) return;
  throw new OpusError('service.unsupported', `A unit cannot name the path ${JSON.stringify(odd)}.`, {
    hint: 'Rename the folder so that its name has no line end or other control character.',
  });
}

/** An environment in which every variable is set, and that keeps what is asked for. */
function recording(names: Set<string>): Readonly<Record<string, string | undefined>> {
  return new Proxy<Record<string, string>>(
    {},
    {
      get: (_target, name) => {
        if (typeof name === 'string') names.add(name);
        return '';
      },
    },
  );
}

function secretVariables(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('kind' in value && value.kind === 'env' && 'name' in value && typeof value.name === 'string') return [value.name];
  return Object.values(value).flatMap(secretVariables);
}

function variablesIn(file: string): Set<string> {
  try {
    const names = readFileSync(file, 'utf8').matchAll(/^[ \t]*([A-Za-z_]\w*)=/gm);
    return new Set([...names].flatMap(([, name]) => name ?? []));
  } catch {
    return new Set();
  }
}
