import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createVaultDesk, type VaultDesk } from '../../runner/engine/vault-desk.ts';
import type { AppliedWrite } from '../../runner/core/ports/vault-writers.ts';
import type { VaultWrite } from '../../shared/protocol/wire.ts';
import { planned } from '../support/brought-notes.ts';
import { createBroughtVaultLab } from '../support/brought-vault-lab.ts';

const one = '10_features/FR-1.md';
const aWrite = (id: string): VaultWrite => ({ id, write: { kind: 'note', path: one, text: id, mode: 'replace' } });
const written: AppliedWrite = { outcome: { kind: 'written' }, text: 'x' };
const nobody = { code: 'vault.nobody-writes' };

interface Lab {
  readonly desk: VaultDesk;
  readonly took: string[];
  readonly arrive: (device: string, isAble?: boolean) => { readonly told: string[]; leave(): void };
}

function makeDesk(voice: string | null = null): Lab {
  const took: string[] = [];
  const desk = createVaultDesk({
    voice: () => voice,
    take: (device, _write, { text }) => {
      took.push(`${device}: ${text ?? 'nothing'}`);
      return Promise.resolve();
    },
  });
  return {
    desk,
    took,
    arrive(device, isAble = true) {
      const told: string[] = [];
      const leave = desk.arrived({
        device,
        tell: ({ id }) => {
          if (isAble) told.push(id);
          return isAble;
        },
      });
      desk.setInStep(device, true);
      return { told, leave };
    },
  };
}

describe('handing out writes', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('asks one client at a time, and first the one that speaks for the vault', async () => {
    const { desk, arrive, took } = makeDesk('laptop');
    const [laptop, phone] = [arrive('laptop'), arrive('phone')];
    const outcome = desk.write(aWrite('a'));
    expect([laptop.told, phone.told]).toEqual([['a'], []]);
    expect(await desk.applied('laptop', { id: 'a', ...written })).toBe(true);
    expect(await outcome).toEqual(written);
    expect(took).toEqual(['laptop: x']);
  });

  it('asks the next when one leaves, cannot be told, or could not do it; and says when nobody is left', async () => {
    const { desk, arrive } = makeDesk();
    const [last, third, second, first] = [arrive('d'), arrive('c'), arrive('b', false), arrive('a')];
    const outcome = desk.write(aWrite('a'));
    expect([first.told, second.told, third.told, last.told]).toEqual([['a'], [], [], []]);
    first.leave();
    expect([second.told, third.told]).toEqual([[], ['a']]);
    await desk.applied('c', { id: 'a', outcome: { kind: 'failed', message: 'locked' }, text: null });
    expect(last.told).toEqual(['a']);
    const refused = expect(outcome).rejects.toMatchObject(nobody);
    await desk.applied('d', { id: 'a', outcome: { kind: 'failed', message: 'locked' }, text: null });
    await refused;
  });

  it('asks the next when one does not answer in time', async () => {
    const { desk, arrive } = makeDesk();
    const [awake, asleep] = [arrive('awake'), arrive('asleep')];
    const outcome = desk.write(aWrite('a'));
    expect(asleep.told).toEqual(['a']);
    vi.advanceTimersByTime(9_999);
    expect(awake.told).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(awake.told).toEqual(['a']);
    await desk.applied('awake', { id: 'a', ...written });
    expect(await outcome).toEqual(written);
  });

  it('takes a late answer for the write when that is asked for again', async () => {
    const { desk, arrive, took } = makeDesk();
    const ready = vi.fn();
    const asleep = arrive('asleep');
    const refused = expect(desk.write(aWrite('a'))).rejects.toMatchObject(nobody);
    vi.advanceTimersByTime(10_000);
    await refused;
    desk.onReady(ready);
    await desk.applied('asleep', { id: 'a', ...written });
    expect(ready).toHaveBeenCalledOnce();
    expect(await desk.write(aWrite('a'))).toEqual(written);
    expect([asleep.told, took]).toEqual([['a'], ['asleep: x']]);
  });

  it('asks nobody whose vault is not as the runner knows it, and tells when somebody’s is', async () => {
    const { desk, arrive } = makeDesk();
    const ready = vi.fn();
    desk.onReady(ready);
    const behind = arrive('behind');
    expect(ready).toHaveBeenCalledOnce();
    desk.onlyInStep('another');
    await expect(desk.write(aWrite('a'))).rejects.toMatchObject(nobody);
    expect(behind.told).toEqual([]);
    desk.setInStep('behind', true);
    expect(ready).toHaveBeenCalledTimes(2);
  });

  it('believes no acknowledgement of a device that was not told, and none twice', async () => {
    const { desk, arrive, took } = makeDesk('laptop');
    arrive('laptop');
    arrive('phone');
    const outcome = desk.write(aWrite('a'));
    expect(await desk.applied('phone', { id: 'a', outcome: { kind: 'gone' }, text: null })).toBe(false);
    expect(await desk.applied('laptop', { id: 'unknown', ...written })).toBe(false);
    expect(await desk.applied('laptop', { id: 'a', ...written })).toBe(true);
    expect(await desk.applied('laptop', { id: 'a', outcome: { kind: 'gone' }, text: null })).toBe(false);
    expect(await outcome).toEqual(written);
    expect(took).toEqual(['laptop: x']);
  });
});

describe('two devices with a vault each', () => {
  it('apply each write exactly once between them, whoever leaves in the middle', async () => {
    const lab = createBroughtVaultLab();
    lab.open();
    const [laptop, phone] = [lab.device('laptop'), lab.device('phone')];
    for (const device of [laptop, phone]) device.edit(one, planned('FR-1'));
    await laptop.bundle.bring();
    await phone.bundle.bring();
    // Its app was closed before it came to it.
    laptop.answer = () => Promise.resolve();
    const vault = lab.vault();
    const first = vault.writeKeys({ path: one, keys: [['run_state', 'code']], status: null, id: 'outbox-1' });
    expect(laptop.told).toHaveLength(1);
    laptop.leave();
    expect(await first).toEqual({ kind: 'written' });
    expect(phone.told).toEqual(laptop.told);
    expect([laptop.writes.get(one), phone.writes.get(one)]).toEqual([undefined, 1]);
    // What was synchronised to the other in the meantime.
    laptop.edit(one, phone.get(one));
    laptop.answer = (write) => laptop.apply(write);
    laptop.arrive();
    expect(await laptop.bundle.bring()).toBe('taken');
    await vault.writeKeys({ path: one, keys: [['run_state', 'review']], status: null, id: 'outbox-2' });
    expect([laptop.writes.get(one), phone.writes.get(one)]).toEqual([undefined, 2]);
  });

  it('do not apply again what is told again under its id', async () => {
    const lab = createBroughtVaultLab();
    const { desk } = lab.open();
    const laptop = lab.device('laptop');
    laptop.edit(one, planned('FR-1'));
    await laptop.bundle.bring();
    const write = { path: one, keys: [['run_state', 'code']], status: null, id: 'outbox-1' } as const;
    await lab.vault().writeKeys(write);
    laptop.edit(one, planned('FR-1', 'parked'));
    const [told] = laptop.told;
    if (!told) return expect.unreachable();
    expect((await desk.write(told)).outcome).toEqual({ kind: 'written' });
    expect(laptop.get(one)).toBe(planned('FR-1', 'parked'));
    expect((await lab.vault().read(one))?.status).toBe('parked');
  });
});
