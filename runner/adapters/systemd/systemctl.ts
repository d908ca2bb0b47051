import { OpusError } from '#shared/domain/errors.ts';
import { execa } from 'execa';
import { unitName, type ServiceScope } from './unit-text.ts';

export interface SystemctlOptions {
  readonly scope: ServiceScope;
  /** The person's: a user's manager is found by it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What to do when systemctl refuses, by its own words. */
  readonly hintFor: (verb: string, said: string) => string;
  readonly signal: AbortSignal;
}

/** Everything rejects with `service.failed`, in systemctl's own words. */
export interface Systemctl {
  reload(): Promise<void>;
  enable(): Promise<void>;
  /** Stops it, and it is not started at boot any more. */
  disable(): Promise<void>;
  /** They settle when systemd has done it: a start, when the service says that it is ready. */
  start(): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
  /** What `systemctl show` says, by name; empty where a property has no value or is unknown there. */
  show(names: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Forgets that it failed before; does nothing where there is no such unit. */
  forget(): Promise<void>;
}

export function createSystemctl(options: SystemctlOptions): Systemctl {
  const { scope, signal } = options;
  const env = commandEnvironment(options.environment);

  async function systemctl(verb: string, ...rest: readonly string[]): Promise<{ stdout: string; exitCode: number }> {
    const args = [`--${scope}`, '--no-pager', verb, ...rest];
    const limits = { env, extendEnv: false, reject: false, stdin: 'ignore', maxBuffer: 1_000_000 } as const;
    const ended = await execa('systemctl', args, { ...limits, cancelSignal: signal });
    if (!ended.failed) return { stdout: ended.stdout, exitCode: ended.exitCode ?? 0 };
    if (ended.code === 'ENOENT') throw noSystemd('systemctl is not on PATH.');
    const words = ended.isCanceled ? 'it was interrupted' : saidWords(ended.stderr, ended.shortMessage);
    throw new OpusError('service.failed', `systemctl ${verb} failed: ${words}`, {
      hint: options.hintFor(verb, words),
    });
  }

  const onUnit = (verb: string) => async (): Promise<void> => {
    await systemctl(verb, unitName);
  };
  return {
    reload: async () => {
      await systemctl('daemon-reload');
    },
    enable: onUnit('enable'),
    disable: async () => {
      await systemctl('disable', '--now', unitName);
    },
    start: onUnit('start'),
    stop: onUnit('stop'),
    restart: onUnit('restart'),
    show: async (names) => {
      const { stdout } = await systemctl('show', unitName, `--property=${names.join(',')}`);
      return new Map(
        stdout.split('\n').flatMap((line): [string, string][] => {
          const at = line.indexOf('=');
          return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
        }),
      );
    },
    forget: async () => {
      await systemctl('reset-failed', unitName).catch(() => undefined);
    },
  };
}

/** The person's environment, with words that can be read and no pager. */
export function commandEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const given = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(given), LC_ALL: 'C.UTF-8', SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '', PAGER: '' };
}

export function noSystemd(reason: string): OpusError {
  return new OpusError('service.unsupported', `There can be no service here: ${reason}`, {
    hint: 'Run `opus serve` under a supervisor of your own; docs/operations-service.md says what it must do.',
  });
}

/** All that it said, as one sentence. */
export function saidWords(stderr: string, otherwise = 'it does not say why.'): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join(' ') || otherwise;
}
