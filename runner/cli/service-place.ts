import { OpusError } from '#shared/domain/errors.ts';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Account } from '../adapters/systemd/account.ts';
import { createSystemctl, noSystemd, type Systemctl } from '../adapters/systemd/systemctl.ts';
import { unitName, type ServiceScope } from '../adapters/systemd/unit-text.ts';
import { packageRoot } from '../config/package-root.ts';
import { programName } from './program-name.ts';
import type { Terminal } from './terminal.ts';

export interface ScopeOptions {
  readonly user?: boolean;
  readonly system?: boolean;
}

/** What of this machine and this installation a service depends on. */
export interface ServiceHost {
  /** Who calls. */
  readonly account: Account;
  /** It exists where systemd runs the machine. */
  readonly bootedFolder: string;
  /** Where an administrator's units are. */
  readonly systemUnits: string;
  readonly node: string;
  readonly bin: string;
}

export function thisHost(): ServiceHost {
  const { username, uid, gid, homedir } = userInfo();
  return {
    account: { name: username, uid, gid, home: homedir },
    bootedFolder: '/run/systemd/system',
    systemUnits: '/etc/systemd/system',
    node: process.execPath,
    bin: join(packageRoot, 'bin', 'opus.mjs'),
  };
}

/** Where the service is, or would be, and how to speak to its manager. */
export interface ServicePlace {
  readonly scope: ServiceScope;
  readonly unitFile: string;
  readonly systemctl: Systemctl;
  /** A command of this installation on the same service, by the root user where it takes root. */
  readonly command: (words: string) => string;
}

/** What is asked for; else where the service is installed; else the machine's for root and the user's own for others. */
export function servicePlace(terminal: Terminal, options: ScopeOptions, host: ServiceHost): ServicePlace {
  const isRoot = host.account.uid === 0;
  const files = { system: join(host.systemUnits, unitName), user: join(userUnits(terminal, host), unitName) };
  const usual: ServiceScope = isRoot ? 'system' : 'user';
  const installed = isRoot ? [] : (['user', 'system'] as const).filter((scope) => existsSync(files[scope]));
  const scope = options.system === true ? 'system' : options.user === true ? 'user' : (installed[0] ?? usual);
  const command = (words: string): string => `${programName(terminal)} ${words}`;
  const byRoot = (words: string): string => `sudo ${shellWord(host.node)} ${shellWord(host.bin)} ${words}`;
  const needsRoot = scope === 'system' && !isRoot;
  return {
    scope,
    unitFile: files[scope],
    command: needsRoot ? byRoot : command,
    systemctl: createSystemctl({
      scope,
      environment: terminal.environment,
      signal: terminal.signal,
      hintFor: (verb, said) => {
        if (needsRoot) return `It takes root: sudo systemctl ${verb} ${unitName}`;
        if (/\bbus\b/i.test(said))
          return `Log in as ${host.account.name} itself, not by su or sudo; or: ${enableLinger(host)}`;
        return `See what it said: ${command('service logs')}`;
      },
    }),
  };
}

export function enableLinger(host: ServiceHost): string {
  return `sudo loginctl enable-linger ${host.account.name}`;
}

/** Rejects with `service.unsupported` where systemd does not run the machine. */
export function requireSystemd(host: ServiceHost): void {
  if (!existsSync(host.bootedFolder)) throw noSystemd('systemd does not run this machine.');
}

export function requireInstalled(place: ServicePlace): void {
  if (existsSync(place.unitFile)) return;
  throw new OpusError('service.failed', `The service is not installed: there is no ${place.unitFile}.`, {
    hint: place.command('service install'),
  });
}

export function shellWord(word: string): string {
  return /^[\w./@+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function userUnits(terminal: Terminal, host: ServiceHost): string {
  const configured = terminal.environment['XDG_CONFIG_HOME'] ?? '';
  const folder = configured.startsWith('/') ? configured : join(host.account.home, '.config');
  return join(folder, 'systemd', 'user');
}
