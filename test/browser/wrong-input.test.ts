import { expect, it } from 'vitest';
import { exampleNotes, makeExampleWorld } from '../support/browser/example-world.ts';
import { openDevice, useBrowser } from '../support/browser/obsidian-page.ts';
import { openSidebar, pair, press } from '../support/browser/person.ts';

const browser = useBrowser();

it('holds a broken note back, says what is wrong, and opens the line', async () => {
  const world = await makeExampleWorld();
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const path = '10_features/03_planned/FR-009-broken.md';
  world.write(
    path,
    '---\nid: FR-009\ntitle: "Broken"\nstatus: planned\npriority: soon\ndepends_on:\n  - "[[FR-777]]"\n---\n',
  );
  const obsidian = await device.open();
  await pair(obsidian, service);
  // With one that is right: that one is dispatched.
  await obsidian.file(path).click({ modifiers: ['Control'] });
  await obsidian.file(exampleNotes.fewer).click({ modifiers: ['Control'] });
  await obsidian.file(path).click({ button: 'right' });
  await obsidian.menuItem('Dispatch 2 FRs').click();
  const modal = obsidian.page.locator('.modal.opus-problems');
  await modal.getByText('Not dispatched').waitFor();
  expect(await modal.innerText()).toContain('FR-009 Broken');
  expect(await modal.innerText()).not.toContain('FR-002');
  await obsidian.notice('Dispatched FR-002').waitFor();
  await press(modal, 'Open line 5');
  const line = await obsidian.page.evaluate(
    () => document.getSelection()?.anchorNode?.parentElement?.closest('.cm-line')?.textContent,
  );
  expect(line).toBe('priority: soon');
  const { jobs } = await service.client.call('job.list', {});
  expect(jobs.map(({ fr }) => fr)).toEqual(['FR-002']);
});

it('says what to do about a wrong code, a wrong link and an address where no runner is', async () => {
  const world = await makeExampleWorld();
  await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  const url = encodeURIComponent(world.url);
  const modal = obsidian.page.locator('.modal');
  await obsidian.openUrl(`obsidian://opus-orchestrator?url=${url}&code=AAAAA-AAAAA`);
  await press(modal, 'Pair');
  await obsidian.notice(/code/).waitFor();
  expect(await obsidian.notice(/code/).first().innerText()).toMatch(/opus pair/);
  await obsidian.openUrl('obsidian://opus-orchestrator?url=javascript%3Aalert(1)&code=AAAAA-AAAAA');
  await obsidian
    .notice(/address|link/)
    .first()
    .waitFor();
  expect(await modal.count()).toBe(0);

  await obsidian.command('Pair this device with a runner');
  await modal.locator('input').first().fill('not an address');
  await press(modal, 'Pair');
  expect(await modal.locator('.opus-form-problem').innerText()).not.toBe('');
});

it('pairs where the secret storage keeps nothing, and says where the token is instead', async () => {
  const world = await makeExampleWorld();
  const service = await world.start();
  const options = { vault: world.vault, runnerUrl: world.url, keepsSecrets: false };
  const device = await openDevice(browser(), options);
  const obsidian = await device.open();
  const { link } = await service.client.call('pairing.create', { role: 'approver', person: 'ada' });
  await obsidian.openUrl(link);
  const modal = obsidian.page.locator('.modal');
  await press(modal, 'Pair');
  await modal.getByText('Where to keep the token').waitFor();
  await press(modal, 'This session only');
  await obsidian.notice('as ada (approver)').waitFor();
  const sidebar = await openSidebar(obsidian);
  await sidebar.getByText('Connected to').waitFor();
  const stored = await obsidian.page.evaluate(() => JSON.stringify(localStorage));
  const { devices } = await service.client.call('device.list', {});
  expect(devices).toHaveLength(1);
  expect(stored).not.toContain('token');
  await obsidian.quit();

  const again = await device.open();
  await again.view('opus-orchestrator-sidebar').getByText('No runner is paired').waitFor();
});
