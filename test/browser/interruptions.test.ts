import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { exampleNotes, makeExampleWorld } from '../support/browser/example-world.ts';
import { openDevice, useBrowser } from '../support/browser/obsidian-page.ts';
import { dispatch, jobRow, openSidebar, pair, views } from '../support/browser/person.ts';
import { patience } from '../support/service-process.ts';

const browser = useBrowser();

it('goes on where it was when the runner is killed in the middle and comes back', async () => {
  const world = await makeExampleWorld();
  const first = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  await pair(obsidian, first);
  const sidebar = await openSidebar(obsidian);
  await dispatch(obsidian, exampleNotes.fewer);
  const row = jobRow(sidebar, 'FR-002');
  await vi.waitFor(async () => {
    const { events } = await first.client.call('events.since', { afterSeq: 0, limit: 1_000 });
    expect(events.map(({ type, data }) => `${type} ${String(data['stage'])}`)).toContain('stage.started code');
  }, patience);
  await first.kill();
  await sidebar.getByText(/does not answer/).waitFor();
  // What was known stays to be seen.
  await row.waitFor();

  await world.start();
  await sidebar.getByText('Connected to').waitFor();
  await row.getByText('Approve the merge?').waitFor();
  await row.getByRole('button', { name: /^Approve: FR-002/ }).click();
  await world.noteReads(exampleNotes.fewer, /^status: done$/m);
  expect(world.git('log', '--format=%s', 'main').split('\n').filter(Boolean)).toHaveLength(3);
});

it('shows what happened while Obsidian was closed', async () => {
  const world = await makeExampleWorld();
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const before = await device.open();
  await pair(before, service);
  await openSidebar(before);
  await dispatch(before, exampleNotes.fewer);
  await before.quit();
  await world.noteReads(exampleNotes.fewer, /^gate: "merge@/m);

  const after = await device.open();
  const sidebar = after.view(views.sidebar);
  const row = jobRow(sidebar, 'FR-002');
  await row.getByRole('button', { name: /^Approve: FR-002/ }).click();
  await world.noteReads(exampleNotes.fewer, /^status: done$/m);
  await after.notice('is done').waitFor();
});

it('says within 15 seconds that a runner is dead which keeps its connection and says nothing', async () => {
  const world = await makeExampleWorld();
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  await device.context.clock.install();
  const obsidian = await device.open();
  await pair(obsidian, service);
  const sidebar = await openSidebar(obsidian);
  await sidebar.getByText('Connected to').waitFor();
  service.signal('SIGSTOP');
  await vi.waitFor(() => {
    expect(readFileSync(`/proc/${service.pid}/stat`, 'utf8')).toMatch(/\) T /);
  }, patience);
  // What it sent before that still arrives, and counts as a word.
  await obsidian.page.evaluate(
    () =>
      new Promise((done) => {
        requestAnimationFrame(() => requestAnimationFrame(done));
      }),
  );
  await device.context.clock.fastForward(14_000);
  await sidebar.getByText(/does not answer/).waitFor();
  await sidebar.getByText('Look whether it runs').waitFor();
  expect(await obsidian.page.locator('.status-bar').innerText()).toMatch(/Runner not there/);
  // It would connect by itself, too, and then there is nothing to press.
  await sidebar.getByRole('button', { name: 'Reconnect' }).click();
  service.signal('SIGCONT');
  await sidebar.getByText('Connected to').waitFor();
});
