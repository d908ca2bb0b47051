import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unitName, unitText, type ServiceUnit } from '../../runner/adapters/systemd/unit-text.ts';

const unit: ServiceUnit = {
  scope: 'system',
  user: 'daemon',
  node: '/usr/bin/node',
  bin: '/opt/opus/bin/opus.mjs',
  config: '/srv/opus/opus.yml',
  environmentFile: '/srv/opus/.opus/environment',
  writable: ['/srv/opus/.opus', '/srv/opus/vault'],
  repositories: ['/srv/git/app.git'],
  path: '/usr/local/bin:/usr/bin:/bin',
  grace: 30_000,
  bubblewrapIsSetuid: false,
};

/** The values of a setting, in order; comments are no settings. */
function values(text: string, name: string): string[] {
  return text.split('\n').flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));
}

function settings(text: string): string[] {
  return text.split('\n').flatMap((line) => /^([A-Za-z]+)=/.exec(line)?.[1] ?? []);
}

describe('a unit', () => {
  test('starts this installation on this configuration, and tells systemd how it does', () => {
    const text = unitText(unit);
    expect(values(text, 'ExecStart')).toEqual([
      '"/usr/bin/node" "/opt/opus/bin/opus.mjs" "serve" "--config" "/srv/opus/opus.yml"',
    ]);
    expect(values(text, 'Type')).toEqual(['notify']);
    expect(values(text, 'NotifyAccess')).toEqual(['all']);
    expect(values(text, 'ExecReload')).toEqual(['/bin/kill -HUP $MAINPID']);
    expect(values(text, 'EnvironmentFile')).toEqual(['-/srv/opus/.opus/environment']);
    expect(values(text, 'User')).toEqual(['daemon']);
    expect(values(text, 'WantedBy')).toEqual(['multi-user.target']);
  });

  test('is tried again after a crash, but not for ever, and never after a configuration error', () => {
    const text = unitText(unit);
    expect(values(text, 'Restart')).toEqual(['on-failure']);
    expect(values(text, 'RestartPreventExitStatus')).toEqual(['2']);
    expect(values(text, 'SuccessExitStatus')).toEqual(['143']);
    expect(Number(values(text, 'StartLimitBurst')[0])).toBeGreaterThan(0);
    expect(Number(values(text, 'WatchdogSec')[0])).toBeGreaterThan(0);
  });

  test('gives a stopping runner longer than it gives its steps', () => {
    expect(values(unitText({ ...unit, grace: 90_500 }), 'TimeoutStopSec')).toEqual(['121']);
    expect(values(unitText(unit), 'KillMode')).toEqual(['mixed']);
  });

  test('may write to its data, the vault and local repositories, of which one may be missing', () => {
    expect(values(unitText(unit), 'ReadWritePaths')).toEqual([
      '"/srv/opus/.opus"',
      '"/srv/opus/vault"',
      '"-/srv/git/app.git"',
    ]);
    expect(values(unitText(unit), 'ProtectSystem')).toEqual(['strict']);
  });

  test('has a temporary folder of its own, but where something it uses lies in the one of all', () => {
    expect(values(unitText(unit), 'PrivateTmp')).toEqual(['yes']);
    const shared = unitText({ ...unit, config: '/tmp/demo/opus.yml' });
    expect(values(shared, 'PrivateTmp')).toEqual(['no']);
    expect(values(shared, 'ReadWritePaths').slice(0, 2)).toEqual(['"/tmp"', '"/var/tmp"']);
    expect(values(unitText({ ...unit, config: '/tmpfs/opus.yml' }), 'PrivateTmp')).toEqual(['yes']);
  });

  test.each(['system', 'user'] as const)('of a %s leaves bubblewrap the namespaces and the /proc it needs', (scope) => {
    const breaking = [
      ...['RestrictNamespaces', 'PrivateUsers', 'ProtectKernelTunables', 'ProtectKernelLogs', 'ProtectProc'],
      ...['ProcSubset', 'ProtectControlGroups', 'MemoryDenyWriteExecute', 'MemoryMax'],
    ];
    const text = unitText({ ...unit, scope });
    expect(settings(text).filter((name) => breaking.includes(name))).toEqual([]);
    expect(values(text, 'NoNewPrivileges')).toEqual(['yes']);
    expect(values(text, 'Delegate')).toEqual(['memory pids']);
  });

  test('asks for no privilege to be dropped that a setuid bubblewrap needs', () => {
    const dropping = [
      ...['NoNewPrivileges', 'CapabilityBoundingSet', 'LockPersonality', 'RestrictSUIDSGID', 'RestrictRealtime'],
      ...['RestrictAddressFamilies', 'SystemCallArchitectures', 'SystemCallFilter'],
    ];
    const found = settings(unitText({ ...unit, bubblewrapIsSetuid: true }));
    expect(found.filter((name) => dropping.includes(name))).toEqual([]);
    expect(found).toContain('ProtectSystem');
  });

  test("of a user names no user and asks for nothing that a user's manager cannot give", () => {
    const text = unitText({ ...unit, scope: 'user' });
    const mounting = ['User', 'ProtectSystem', 'ProtectHome', 'PrivateTmp', 'ReadWritePaths', 'CapabilityBoundingSet'];
    expect(settings(text).filter((name) => mounting.includes(name))).toEqual([]);
    expect(values(text, 'WantedBy')).toEqual(['default.target']);
  });

  test('writes each path as the setting that it is in reads it', () => {
    const odd = String.raw`/srv/a b/100%/$HOME/"q"/back\slash/*`;
    const text = unitText({
      ...unit,
      node: `${odd}/node`,
      config: `${odd}/opus.yml`,
      environmentFile: `${odd}/environment`,
      writable: [odd],
    });
    const word = String.raw`/srv/a b/100%%/$HOME/\"q\"/back\\slash/*`;
    const argument = word.replace('$', '$$$$');
    expect(argument).toContain('/$$HOME/');
    expect(values(text, 'ExecStart')[0]).toBe(
      `/usr/bin/env -- "${argument}/node" "/opt/opus/bin/opus.mjs" "serve" "--config" "${argument}/opus.yml"`,
    );
    expect(values(text, 'ReadWritePaths')[0]).toBe(`"${word}"`);
    expect(values(text, 'EnvironmentFile')).toEqual([String.raw`-/srv/a b/100%%/$HOME/"q"/back\\slash/\*/environment`]);
  });
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasSystemd) console.warn('SKIPPED: systemd-analyze is not installed, so no systemd has read the units.');

describe.skipIf(!hasSystemd)("systemd's own reading", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'unit-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** What systemd complains of, and what it understood. */
  function read(text: string): { complaints: string[]; understood: string } {
    const file = join(folder, unitName);
    writeFileSync(file, text);
    const plain = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    const env = { ...process.env, SYSTEMD_LOG_LEVEL: 'debug' };
    const understood = execFileSync('systemd-analyze', ['verify', '--man=no', file], {
      ...{ encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 50_000_000 },
    });
    const complaints = plain.stderr.split('\n').filter((line) => line.includes('opus'));
    return { complaints: plain.status === 0 ? complaints : [`exit ${plain.status}`, plain.stderr], understood };
  }

  test.each([
    ['of the machine', unit],
    ['of a user', { ...unit, scope: 'user' } as const],
    ['with a setuid bubblewrap', { ...unit, bubblewrapIsSetuid: true }],
  ])('finds nothing wrong with a unit %s', (_name, given) => {
    expect(read(unitText({ ...given, node: process.execPath })).complaints).toEqual([]);
  });

  test('complains of a setting that does not exist, so that silence means something', () => {
    const text = unitText({ ...unit, node: process.execPath }).replace('PrivateTmp=', 'PrivateTemp=');
    expect(read(text).complaints.join('\n')).toContain('PrivateTemp');
  });

  test('finds the very paths that were meant, whatever is in their names', () => {
    const odd = join(folder, String.raw`a b %h $HOME "q" back\slash 'one' ; #x`);
    mkdirSync(odd);
    const node = join(odd, 'node');
    symlinkSync(process.execPath, node);
    const { complaints, understood } = read(
      unitText({
        ...unit,
        ...{ node, bin: join(odd, 'opus.mjs'), config: join(odd, 'opus.yml'), writable: [odd], repositories: [] },
        ...{ path: `${odd}:/usr/bin`, environmentFile: join(odd, 'environment') },
      }),
    );
    expect(complaints).toEqual([]);
    const shown = (name: string): string[] =>
      understood.split('\n').flatMap((line) => {
        const [, value] = line.split(`\t${name}: `);
        return value === undefined ? [] : [value];
      });
    expect(shown('ReadWritePaths')).toEqual([`/tmp /var/tmp ${odd}`]);
    expect(shown('Environment')).toEqual([`PATH=${odd}:/usr/bin`]);
    expect(shown('EnvironmentFile')).toEqual([`-${odd.replace('\\', String.raw`\\`)}/environment`]);
    expect(shown('RequiresMountsFor')).toEqual([`${odd} (origin-file)`]);
    // It shows words in quotes of the shell, and variables are replaced later: `$$` becomes `$`.
    const word = odd.replaceAll('$', () => '$$').replaceAll(/[\\"$]/g, String.raw`\$&`);
    expect(shown('Command Line')[0]).toBe(
      `/usr/bin/env -- "${word}/node" "${word}/opus.mjs" serve --config "${word}/opus.yml"`,
    );
  });
});
