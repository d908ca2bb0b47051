import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBackups } from '../../runner/adapters/registry/backups.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { eventEpoch } from '../../runner/engine/event-epoch.ts';
import { makeDeviceLab } from '../support/device-lab.ts';

const refusal = expect.objectContaining({ code: 'protocol.unauthorized' }) as Error;

describe('a pairing code', () => {
  it('pairs one device, with the role and for the person that it was made for', () => {
    const { pairing, registry, clock } = makeDeviceLab();
    const { code, expiresAt } = pairing.offer({ role: 'operator', person: 'ada' });
    expect(code).toMatch(/^[2-9A-HJKMNP-Z]{5}-[2-9A-HJKMNP-Z]{5}$/);
    expect(expiresAt).toBe(clock.at + 600_000);
    const { device, token } = pairing.pair(code, 'a phone');
    expect(device).toMatchObject({ name: 'a phone', person: 'ada', role: 'operator', lastSeenAt: null });
    expect(pairing.bearer(token)).toEqual(device);
    expect(registry.devices.list()).toEqual([device]);
    expect(() => pairing.pair(code, 'another phone')).toThrow(refusal);
    expect(registry.devices.list()).toHaveLength(1);
  });

  it('is read as people write it', () => {
    const { pairing } = makeDeviceLab();
    const { code } = pairing.offer({ role: 'viewer', person: 'ada' });
    expect(pairing.pair(` ${code.toLowerCase().replace('-', ' ')} `, 'x').device.role).toBe('viewer');
  });

  it('is good for ten minutes', () => {
    const { pairing, clock } = makeDeviceLab();
    const [early, late] = [1, 2].map(() => pairing.offer({ role: 'viewer', person: 'ada' }).code);
    clock.at += 599_999;
    expect(pairing.pair(early ?? '', 'x').device.name).toBe('x');
    clock.at += 1;
    expect(() => pairing.pair(late ?? '', 'x')).toThrow(refusal);
  });

  it('is not kept, nor is a token', () => {
    const { pairing, registry, file } = makeDeviceLab();
    const { code } = pairing.offer({ role: 'admin', person: 'ada' });
    const { code: used } = pairing.offer({ role: 'admin', person: 'ada' });
    const { token } = pairing.pair(used, 'x');
    registry.close();
    const bytes = readFileSync(file, 'latin1');
    expect(bytes).toContain('ada');
    for (const secret of [code, code.replace('-', ''), used.replace('-', ''), token])
      expect(bytes).not.toContain(secret);
  });

  it('leaves nothing of a name that would disturb a terminal', () => {
    const { pairing } = makeDeviceLab();
    const { code } = pairing.offer({ role: 'viewer', person: 'ada' });
    expect(pairing.pair(code, '\u001b[2J my\n\u202ephone ').device.name).toBe('[2J my phone');
  });
});

describe('a device', () => {
  it('is revoked by its id or name, and its token is nobody’s any more', () => {
    const lab = makeDeviceLab();
    const { pairing, registry } = lab;
    const [one, two, three] = ['phone', 'phone', 'desk'].map((name) => lab.pair('viewer', name));
    expect(pairing.revoke('phone').map(({ name }) => name)).toEqual(['phone', 'phone']);
    expect([one, two, three].map((token) => pairing.bearer(token ?? '')?.name)).toEqual([undefined, undefined, 'desk']);
    expect(pairing.revoke(registry.devices.list()[0]?.id ?? '')).toHaveLength(1);
    expect(() => pairing.revoke('desk')).toThrow('There is no device "desk".');
  });

  it('is not revoked by a name that several people gave to theirs', () => {
    const lab = makeDeviceLab();
    const { pairing, registry } = lab;
    const ofAda = lab.pair('viewer', 'Phone', 'ada');
    const ofBob = lab.pair('viewer', 'Phone', 'bob');
    expect(() => pairing.revoke('Phone')).toThrow(/"Phone" is a device of \w+ and of \w+\./);
    const id = registry.devices.list().find(({ person }) => person === 'bob')?.id ?? '';
    lab.pair('viewer', id, 'eve');
    expect(pairing.revoke(id)).toMatchObject([{ person: 'bob' }]);
    expect([ofAda, ofBob].map((token) => pairing.bearer(token)?.person)).toEqual(['ada', undefined]);
  });

  it('stays paired when the registry is opened anew', () => {
    const lab = makeDeviceLab();
    const { registry, file, clock } = lab;
    lab.pair('admin', 'desk');
    registry.close();
    const again = openRegistry({ file, clock });
    onTestFinished(() => {
      again.close();
    });
    expect(again.devices.list()).toMatchObject([{ name: 'desk', role: 'admin' }]);
  });
});

describe('the epoch of event numbers', () => {
  it('stays when a service starts again, and is another after a restore', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'epoch-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const clock = { now: () => 1 };
    const file = join(folder, 'registry.db');
    const epochOf = (path: string): string => {
      const registry = openRegistry({ file: path, clock });
      const epoch = eventEpoch(registry);
      registry.close();
      return epoch;
    };
    const first = epochOf(file);
    expect(epochOf(file)).toBe(first);
    const backups = createBackups({ dataFolder: folder, keep: 3, clock, packageVersion: '1.2.3' });
    const made = await backups.create('asked');
    expect(epochOf(file)).toBe(first);
    await backups.restore(made.name);
    const restored = epochOf(file);
    expect(restored).not.toBe(first);
    expect(epochOf(file)).toBe(restored);
    // By hand, too.
    copyFileSync(made.path, file);
    expect([first, restored]).not.toContain(epochOf(file));
  });
});
