import { expect, it, vi } from 'vitest';
import { makeFaultLab, type FaultLab } from '../support/fault-lab.ts';
import { openPlugin, pairDevice, type PluginInNode } from '../support/plugin-in-node.ts';
import { patience, startService } from '../support/service-process.ts';

const elsewhere = ['vault: { writer: plugin, name: Notes }'];
const note = (fr: string): string => `10_features/${fr}.md`;
const userLines = (fr: string): string[] => ['  - fr # mine', `The *body* of ${fr} stays.`];

const untilNote = (plugin: Pick<PluginInNode, 'get'>, path: string, ...lines: readonly string[]): Promise<void> =>
  vi.waitFor(() => {
    const text = plugin.get(path);
    for (const line of lines) expect(text).toContain(line);
  }, patience);

const untilSucceeded = (lab: FaultLab, ...jobs: readonly string[]): Promise<void> =>
  vi.waitFor(() => {
    for (const job of jobs) expect(lab.job(job).status).toBe('succeeded');
  }, patience);

const untilTold = (lab: FaultLab): Promise<void> =>
  vi.waitFor(() => {
    expect(lab.read((registry) => registry.outbox())).toEqual([]);
  }, patience);

const untilAtWork = (lab: FaultLab, job: string): Promise<void> =>
  vi.waitFor(() => {
    expect(lab.attempts(job).map(({ status }) => status)).toEqual(['running']);
  }, patience);

it('takes notes from a device, works on them, and writes what became of them there', { timeout: 60_000 }, async () => {
  const lab = makeFaultLab({ config: elsewhere });
  const service = await startService(lab);
  expect(await service.readiness()).toMatchObject({ checks: { vault: { ok: false } } });
  const plugin = openPlugin(service, await pairDevice(service, 'Laptop'), lab.vault);
  await untilSucceeded(lab, 'FR-1-1');
  await untilNote(plugin, note('FR-1'), 'status: done', 'run_state: done', ...userLines('FR-1'));
  await untilNote(plugin, '20_runs/FR-1-1.md', 'FR-1-1');
  expect(await service.readiness()).toMatchObject({ checks: { vault: { ok: true } } });

  plugin.edit(note('FR-2'), '---\nid: FR-2\ntitle: Two\nstatus: planned\n---\nMore.\n');
  await untilSucceeded(lab, 'FR-2-1');
  await untilNote(plugin, note('FR-2'), 'status: done', 'More.');
  expect(lab.read((registry) => registry.jobs({ finished: true })).map(({ id }) => id)).toEqual(['FR-1-1', 'FR-2-1']);
});

it('finishes jobs while Obsidian is closed, and writes it when that is open again', { timeout: 60_000 }, async () => {
  const lab = makeFaultLab({ notes: 2, config: elsewhere });
  lab.hold('code');
  const service = await startService(lab);
  const device = await pairDevice(service, 'Laptop');
  const before = openPlugin(service, device, lab.vault);
  await untilAtWork(lab, 'FR-1-1');
  await untilNote(before, note('FR-1'), 'status: in-progress');
  before.close();
  // What is told to nobody any more.
  lab.letGo('code');
  await untilSucceeded(lab, 'FR-1-1', 'FR-2-1');
  expect(before.get(note('FR-1'))).toContain('status: in-progress');
  const untold = lab.read((registry) => registry.outbox()).length;
  expect(untold).toBeGreaterThan(0);
  expect((await service.status()).vaultElsewhere).toEqual({ connected: false, untold });

  before.edit(note('FR-1'), before.get(note('FR-1')).replace('Count in', 'Counted by me in'));
  const after = openPlugin(service, device, lab.vault);
  await untilTold(lab);
  for (const fr of ['FR-1', 'FR-2']) await untilNote(after, note(fr), 'status: done', ...userLines(fr));
  expect(after.get(note('FR-1'))).toContain('Counted by me in');
  expect((await service.status()).vaultElsewhere).toEqual({ connected: true, untold: 0 });
  // What stood in the notes meanwhile was no wish for another job.
  expect(lab.read((registry) => registry.jobs({ finished: true })).map(({ id }) => id)).toEqual(['FR-1-1', 'FR-2-1']);
});

it('goes on after the runner was killed in the middle', { timeout: 60_000 }, async () => {
  const lab = makeFaultLab({ config: [...elsewhere, 'server: { port: 0 }'] });
  lab.hold('code');
  const first = await startService(lab);
  const device = await pairDevice(first, 'Laptop');
  const before = openPlugin(first, device, lab.vault);
  await untilAtWork(lab, 'FR-1-1');
  await first.kill();
  before.close();
  lab.letGo('code');
  const second = await startService(lab);
  // It knows the vault as it was brought to the runner before it.
  expect(await second.readiness()).toMatchObject({ checks: { vault: { ok: true } } });
  await untilSucceeded(lab, 'FR-1-1');
  const plugin = openPlugin(second, device, lab.vault);
  await untilNote(plugin, note('FR-1'), 'status: done', ...userLines('FR-1'));
  await untilTold(lab);
});

it('asks one of two devices for each write', { timeout: 60_000 }, async () => {
  const lab = makeFaultLab({ notes: 2, config: elsewhere });
  const service = await startService(lab);
  // Both on one folder, as if it were synchronised in no time.
  const laptop = openPlugin(service, await pairDevice(service, 'Laptop'), lab.vault);
  const phone = openPlugin(service, await pairDevice(service, 'Phone'), lab.vault);
  await untilSucceeded(lab, 'FR-1-1', 'FR-2-1');
  await untilTold(lab);
  for (const fr of ['FR-1', 'FR-2']) await untilNote(laptop, note(fr), 'status: done', ...userLines(fr));
  const { devices } = await service.client.call('device.list', {});
  expect(devices.map(({ connected }) => connected)).toEqual([true, true]);
  const told = [...laptop.told, ...phone.told];
  expect(told.length).toBeGreaterThan(3);
  expect(new Set(told).size).toBe(told.length);
});
