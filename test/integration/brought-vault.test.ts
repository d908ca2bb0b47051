import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createVaultBundle } from '../../plugin/vault/bundle.ts';
import { hashOf, nameNotes, planned } from '../support/brought-notes.ts';
import { createBroughtVaultLab, type BroughtVaultLab, type ConnectedDevice } from '../support/brought-vault-lab.ts';

const one = '10_features/FR-1.md';
const two = '10_features/FR-2.md';

const idsOf = async (lab: BroughtVaultLab): Promise<string[]> => (await lab.vault().scan()).map(({ id }) => id);
const statusOf = async (lab: BroughtVaultLab, path = one): Promise<string | null> =>
  (await lab.vault().read(path))?.status ?? null;

describe('a vault that devices bring', () => {
  it('is not there before one has brought it, and says what to do', async () => {
    const lab = createBroughtVaultLab();
    lab.open();
    await expect(lab.vault().scan()).rejects.toMatchObject({
      code: 'vault.not-found',
      hint: expect.stringContaining('Open Obsidian') as string,
    });
    expect(await lab.vault().codeNotes()).toEqual([]);
  });

  it('asks for each text once, and follows edits, moves and removals', async () => {
    const lab = createBroughtVaultLab();
    lab.open();
    const device = lab.device('laptop');
    device.edit(one, planned('FR-1'));
    device.edit(two, planned('FR-2'));
    expect(await device.bundle.bring()).toBe('taken');
    expect(await idsOf(lab)).toEqual(['FR-1', 'FR-2']);

    device.edit(one, null);
    device.edit('10_features/moved/FR-1.md', planned('FR-1'));
    device.edit(two, planned('FR-2', 'parked'));
    const missing = await nameNotes(device, {
      [two]: planned('FR-2', 'parked'),
      ['10_features/moved/FR-1.md']: planned('FR-1'),
    });
    expect(missing).toEqual([hashOf(planned('FR-2', 'parked'))]);
    expect(await device.bundle.bring()).toBe('taken');
    expect((await lab.vault().scan()).map(({ path, status }) => [path, status])).toEqual([
      [two, 'parked'],
      ['10_features/moved/FR-1.md', 'planned'],
    ]);
  });

  it('is the same after a restart, and forgets the texts of what is no more', async () => {
    const lab = createBroughtVaultLab();
    lab.open();
    const device = lab.device('laptop');
    device.edit(one, planned('FR-1'));
    await device.bundle.bring();
    device.edit(one, planned('FR-1', 'parked'));
    await device.bundle.bring();
    lab.open();
    expect(await statusOf(lab)).toBe('parked');
    expect(readdirSync(join(lab.folder, 'data/vault/contents'))).toEqual([hashOf(planned('FR-1', 'parked'))]);
  });

  it('brings thousands of notes, and long ones, in messages that the wire takes', async () => {
    const lab = createBroughtVaultLab();
    lab.open();
    const device = lab.device('laptop');
    const lengths: number[] = [];
    const { call } = device;
    for (let number = 1; number <= 3_000; number += 1) {
      device.edit(`10_features/a rather long folder name of somebody/FR-${number}.md`, planned(`FR-${number}`));
    }
    for (const name of ['FR-9001', 'FR-9002', 'FR-9003'])
      device.edit(`10_features/${name}.md`, `${planned(name)}${'\u0001ä'.repeat(90_000)}`);
    const bundle = createVaultBundle(device.app, {
      call: (method, params) => {
        lengths.push(Buffer.byteLength(JSON.stringify({ jsonrpc: '2.0', id: 1_000, method, params })));
        return call(method, params);
      },
    });
    expect(await bundle.bring()).toBe('taken');
    expect(Math.max(...lengths)).toBeLessThan(1_000_000);
    expect(await idsOf(lab)).toHaveLength(3_003);
  });
});

describe('a hostile bundle', () => {
  it.each([
    '/etc/passwd.md',
    '10_features/../../out.md',
    '../10_features/x.md',
    '10_features/.hidden/x.md',
    '10_features//x.md',
    '10_features\\x.md',
    '10_features/x\u0000.md',
    '10_features/x.txt',
    '10_features',
    'other/x.md',
    '.obsidian/plugins/x.md',
    '00_system/opusx/x.md',
  ])('may not name %j', async (path) => {
    const lab = createBroughtVaultLab();
    lab.open();
    const device = lab.device('laptop');
    await expect(nameNotes(device, { [path]: 'x' })).rejects.toMatchObject({ code: 'vault.bundle-refused' });
    await expect(lab.vault().scan()).rejects.toMatchObject({ code: 'vault.not-found' });
  });

  it('may not bring a text under the name of another, one that is too long, or one that nobody asked for', async () => {
    const lab = createBroughtVaultLab();
    lab.open();
    const device = lab.device('laptop');
    const hash = hashOf('wanted');
    const unasked = { contents: [{ hash, text: 'wanted' }] };
    await device.call('vault.bundle', unasked);
    const contents = join(lab.folder, 'data/vault/contents');
    expect(readdirSync(contents)).toEqual([]);
    const long = 'x'.repeat(400_001);
    await nameNotes(device, { [one]: 'wanted', [two]: long });
    for (const bad of [
      { hash, text: 'other' },
      { hash: hashOf(long), text: long },
    ]) {
      await expect(device.call('vault.bundle', { contents: [bad] })).rejects.toMatchObject({
        code: 'vault.bundle-refused',
      });
    }
    await device.call('vault.bundle', { contents: [{ hash: hashOf('unasked'), text: 'unasked' }] });
    expect(readdirSync(contents)).toEqual([]);
    await device.call('vault.bundle', unasked);
    expect(readdirSync(contents)).toEqual([hash]);
  });

  it('may not go on from where it was not, nor name a note twice', async () => {
    const lab = createBroughtVaultLab();
    lab.open();
    const device = lab.device('laptop');
    const file = { path: one, hash: hashOf('x') };
    const refused = { code: 'vault.bundle-refused' };
    await expect(device.call('vault.bundle', { files: [file], from: 5 })).rejects.toMatchObject(refused);
    await device.call('vault.bundle', { files: [file], more: true });
    await expect(device.call('vault.bundle', { files: [], from: 2 })).rejects.toMatchObject(refused);
    await device.call('vault.bundle', { files: [file], more: true });
    // Its contents are there, so that only the name is in the way.
    await device.call('vault.bundle', { files: [file], from: 1 }).then(
      () => expect.unreachable(),
      (thrown: unknown) => {
        expect(thrown).toMatchObject(refused);
      },
    );
  });
});

describe('a vault that lost every feature request', () => {
  async function emptied(hasOpenJobs: boolean): Promise<{ lab: BroughtVaultLab; device: ConnectedDevice }> {
    const lab = createBroughtVaultLab();
    lab.open({ hasOpenJobs: () => hasOpenJobs });
    const device = lab.device('laptop');
    device.edit(one, planned('FR-1'));
    await device.bundle.bring();
    device.edit(one, null);
    return { lab, device };
  }

  it('is refused while jobs are open, so that a vault that has not loaded cancels none', async () => {
    const { lab, device } = await emptied(true);
    await expect(device.bundle.bring()).rejects.toMatchObject({
      code: 'vault.bundle-refused',
      message: expect.stringContaining('that were there before (1)') as string,
    });
    expect(await idsOf(lab)).toEqual(['FR-1']);
  });

  it('is refused while jobs are open when it holds others only, as another vault does', async () => {
    const { lab, device } = await emptied(true);
    device.edit(two, planned('FR-2'));
    await expect(device.bundle.bring()).rejects.toMatchObject({ code: 'vault.bundle-refused' });
    expect(await idsOf(lab)).toEqual(['FR-1']);
  });

  it('is taken when its one request was only moved', async () => {
    const { lab, device } = await emptied(true);
    device.edit(two, planned('FR-1'));
    expect(await device.bundle.bring()).toBe('taken');
    expect(await idsOf(lab)).toEqual(['FR-1']);
  });

  it('does not lose a note that is there and cannot be read, as while a cloud folder fetches it', async () => {
    const lab = createBroughtVaultLab();
    lab.open();
    const device = lab.device('laptop');
    for (const [path, id] of [
      [one, 'FR-1'],
      [two, 'FR-2'],
    ] as const) {
      device.edit(path, planned(id));
    }
    await device.bundle.bring();
    const { vault } = device.app;
    const read = vault.readBinary.bind(vault);
    vault.readBinary = (file) => (file.path === two ? Promise.reject(new Error('ETIMEDOUT')) : read(file));
    device.edit(two, planned('FR-2', 'parked'));
    await expect(device.bundle.bring()).rejects.toMatchObject({ code: 'vault.note-unreadable' });
    expect(await idsOf(lab)).toEqual(['FR-1', 'FR-2']);
    device.edit(two, null);
    expect(await device.bundle.bring()).toBe('taken');
    expect(await idsOf(lab)).toEqual(['FR-1']);
  });

  it('is taken when no job is', async () => {
    const { lab, device } = await emptied(false);
    expect(await device.bundle.bring()).toBe('taken');
    expect(await idsOf(lab)).toEqual([]);
  });
});

describe('two devices', () => {
  async function laptopAndPhone(): Promise<{
    lab: BroughtVaultLab;
    laptop: ConnectedDevice;
    phone: ConnectedDevice;
    later: (ms: number) => void;
  }> {
    const lab = createBroughtVaultLab();
    let now = 1_000_000;
    lab.open({ clock: { now: () => now } });
    const [laptop, phone] = [lab.device('laptop'), lab.device('phone')];
    for (const device of [laptop, phone]) device.edit(one, planned('FR-1'));
    await laptop.bundle.bring();
    return { lab, laptop, phone, later: (ms) => (now += ms) };
  }

  it('never take the vault back to what it was: the one behind waits for its synchronisation', async () => {
    const { lab, laptop, phone } = await laptopAndPhone();
    laptop.edit(one, planned('FR-1', 'parked'));
    await laptop.bundle.bring();
    for (const _again of [1, 2]) {
      expect(await phone.bundle.bring()).toBe('later');
      expect(await statusOf(lab)).toBe('parked');
    }
    phone.edit(one, planned('FR-1', 'parked'));
    expect(await phone.bundle.bring()).toBe('taken');
    phone.edit(one, planned('FR-1', 'idea'));
    expect(await phone.bundle.bring()).toBe('taken');
    expect(await laptop.bundle.isCurrent()).toBe(false);
    expect(await laptop.bundle.bring()).toBe('later');
    expect(await statusOf(lab)).toBe('idea');
    expect(await phone.bundle.isCurrent()).toBe(true);
  });

  it('lack notes or have removed ones while they are behind, and nothing is lost by it', async () => {
    const { lab, laptop, phone } = await laptopAndPhone();
    laptop.edit(two, planned('FR-2'));
    await laptop.bundle.bring();
    expect(await phone.bundle.bring()).toBe('later');
    expect(await idsOf(lab)).toEqual(['FR-1', 'FR-2']);
    laptop.edit(two, null);
    await laptop.bundle.bring();
    phone.edit(two, planned('FR-2'));
    expect(await phone.bundle.bring()).toBe('later');
    expect(await idsOf(lab)).toEqual(['FR-1']);
  });

  it('let the one that stays behind alone speak after a while', async () => {
    const { lab, laptop, phone, later } = await laptopAndPhone();
    laptop.edit(two, planned('FR-2'));
    await laptop.bundle.bring();
    expect(await phone.bundle.bring()).toBe('later');
    later(10 * 60_000);
    expect(await phone.bundle.bring()).toBe('later');
    laptop.leave();
    expect(await phone.bundle.bring()).toBe('later');
    later(10 * 60_000);
    expect(await phone.bundle.bring()).toBe('taken');
    expect(await idsOf(lab)).toEqual(['FR-1']);
  });

  it('are told apart by what was written through one of them, too', async () => {
    const { lab, laptop, phone } = await laptopAndPhone();
    await lab.vault().writeKeys({ path: one, keys: [['run_state', 'code']], status: null });
    expect(laptop.get(one)).toContain('run_state: code');
    expect(await phone.bundle.bring()).toBe('later');
    expect(await lab.vault().readNote(one)).toBe(readFileSync(join(laptop.root, one), 'utf8'));
  });
});
