import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { unitText } from '../../runner/adapters/systemd/unit-text.ts';

/**
 * What systemd does for these settings, by the same means: a mount namespace, then a user without privileges. Only root may
 * do that.
 */
const applied: Readonly<Record<string, string>> = {
  'ProtectSystem=strict': 'mount -o remount,bind,ro /',
  'PrivateTmp=yes': 'mount -t tmpfs -o mode=1777 tmpfs /tmp',
  'ProtectKernelTunables=yes': 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys',
  'ProtectKernelLogs=yes': 'mount --bind /dev/null /proc/kmsg',
};
const dropped: Readonly<Record<string, string>> = {
  'NoNewPrivileges=yes': '--no-new-privs',
  'CapabilityBoundingSet=': '--bounding-set=-all',
};
const probe = join(import.meta.dirname, '../support/probe-sandbox.ts');
const nobody = 65_534;

function canMount(): boolean {
  const bare = spawnSync('unshare', ['-m', 'sh', '-c', 'mount --make-rprivate / && mount -o remount,bind,ro /']);
  return process.getuid?.() === 0 && existsSync('/usr/bin/bwrap') && bare.status === 0;
}

function othersCanRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    const user = ['--reuid', String(nobody), '--regid', String(nobody), '--clear-groups'];
    return spawnSync('setpriv', [...user, process.execPath, '-e', '0']).status === 0;
  } catch {
    return false;
  }
}

/** The probe of the runner's own sandbox under a unit. */
function sandboxUnder(unit: string): unknown {
  const lines = unit.split('\n');
  const mounts = lines.flatMap((line) => applied[line] ?? []);
  const flags = lines.flatMap((line) => dropped[line] ?? []);
  const ids = ['--reuid', String(nobody), '--regid', String(nobody), '--clear-groups', '--inh-caps=-all'];
  const script = ['mount --make-rprivate /', ...mounts, 'exec "$@"'].join(' && ');
  const argv = ['setpriv', ...ids, ...flags, process.execPath, probe];
  const ended = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', ...argv], {
    ...{ encoding: 'utf8', timeout: 40_000 },
    // One of the folders that PATH may name and only root can enter.
    env: { ...process.env, PATH: `/root/bin:${process.env['PATH'] ?? ''}` },
  });
  return ended.stdout === '' ? ended.stderr : JSON.parse(ended.stdout);
}

const canTry = canMount() && othersCanRead(probe);
if (!canTry) console.warn('SKIPPED: this takes root, bubblewrap, and a checkout that other users can read.');

describe.skipIf(!canTry)('under what the unit of the machine takes away', () => {
  const text = unitText({
    ...{ scope: 'system', user: 'nobody', node: process.execPath, bin: '/opt/opus.mjs', config: '/srv/opus.yml' },
    ...{ environmentFile: '/srv/.opus/environment', writable: ['/srv/.opus'], repositories: [] },
    ...{ path: `${dirname(process.execPath)}:/usr/bin`, grace: 30_000, bubblewrapIsSetuid: false },
  });

  test('a job still gets its sandbox', () => {
    expect(text).toContain('\nProtectSystem=strict\n');
    expect(sandboxUnder(text)).toMatchObject({ kind: 'isolated' });
  });

  test.each(['ProtectKernelTunables=yes', 'ProtectKernelLogs=yes'])('it would not with %s', (setting) => {
    expect(sandboxUnder(`${text}${setting}\n`)).toMatchObject({ kind: 'none' });
  });
});
