import { expect, it } from 'vitest';
import { exampleNotes, makeExampleWorld } from '../support/browser/example-world.ts';
import { openDevice, useBrowser } from '../support/browser/obsidian-page.ts';
import { dispatch, jobRow, openSidebar, pair } from '../support/browser/person.ts';

const browser = useBrowser();
const note = exampleNotes.fewer;

it('serves a vault that only the devices have: two apply each write once, and none is lost while nobody is there', async () => {
  const world = await makeExampleWorld({ writer: 'plugin' });
  const service = await world.start();
  const options = { vault: world.vault, runnerUrl: world.url };
  const device = await openDevice(browser(), options);
  const first = await device.open();
  await pair(first, service, 'approver');
  const second = await (await openDevice(browser(), options)).open();
  await pair(second, service, 'approver');
  const sidebar = await openSidebar(first);
  await dispatch(first, note);
  await jobRow(sidebar, 'FR-002').getByText('Approve the merge?').waitFor();
  await world.noteReads(note, /^gate: "merge@/m);
  const text = world.note(note);
  for (const key of ['status', 'run_state', 'gate', 'branch']) {
    expect(text.match(new RegExp(`^${key}:`, 'gm')), key).toHaveLength(1);
  }
  expect(world.note('20_runs/FR-002-1.md')).toContain('FR-002-1');

  // Decided while no device is there; what that comes to waits for one.
  const { gate } = await service.client.call('job.get', { job: 'FR-002-1' });
  await first.quit();
  await second.quit();
  await service.client.call('approval.decide', {
    job: 'FR-002-1',
    kind: 'approve',
    person: 'ada',
    ...(gate !== null && { gate }),
  });
  await expect
    .poll(async () => (await service.client.call('job.get', { job: 'FR-002-1' })).status, { timeout: 20_000 })
    .toBe('succeeded');
  expect(world.note(note)).toMatch(/^gate: "merge@/m);

  await device.open();
  await world.noteReads(note, /^status: done$/m);
});
