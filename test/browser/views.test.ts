import { expect, it } from 'vitest';
import { exampleNotes, makeExampleWorld } from '../support/browser/example-world.ts';
import { openDevice, useBrowser } from '../support/browser/obsidian-page.ts';
import { dispatch, jobRow, openSidebar, pair, press, views } from '../support/browser/person.ts';

const browser = useBrowser();
const note = exampleNotes.fewer;

it('follows, holds, searches and copies what a job says, and sends a comment on a line back to the coder', async () => {
  const world = await makeExampleWorld();
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  await pair(obsidian, service);
  const sidebar = await openSidebar(obsidian);
  await dispatch(obsidian, note);
  const row = jobRow(sidebar, 'FR-002');
  await row.getByRole('button', { name: 'Open output: FR-002-1' }).click();
  const output = obsidian.view(views.output);
  const log = output.getByRole('log');
  await log.getByText('demo agent: replays prepared edits').first().waitFor();
  await press(output, 'Pause');
  const held = await log.innerText();
  await row.getByText('Approve the merge?').waitFor();
  expect(await log.innerText()).toBe(held);
  await press(output, 'Go on');
  await log.getByText('review done:').waitFor();
  await output.getByRole('searchbox').fill('replaying');
  await output.getByText(/^1 of \d/).waitFor();
  await press(output, 'Copy all');
  await obsidian.notice('copied').waitFor();
  expect(await obsidian.page.evaluate(() => navigator.clipboard.readText())).toContain('review done:');

  await row.getByRole('button', { name: 'Review changes: FR-002-1' }).click();
  const review = obsidian.view(views.review);
  const line = review.getByRole('table', { name: 'Changes of src/format.js' }).locator('.opus-line-added').first();
  await line.focus();
  await obsidian.page.keyboard.press('c');
  await review.getByRole('textbox', { name: /Comment on src\/format.js/ }).fill('Say why in the README.');
  await press(review, 'Add comment');
  await review.getByRole('button', { name: 'Send back with 1 comment' }).click();
  await obsidian.notice('goes back to code with 1 comment').waitFor();
  // The coder of the example writes what it was asked into the README.
  await expect
    .poll(() => world.git('show', 'refs/heads/opus/FR-002-1-write-fewer-parts:README.md'), { timeout: 20_000 })
    .toContain('Say why in the README.');
  await row.getByText('Approve the merge?').waitFor();
});

it('asks before an agent note that was changed is in force, and shows what was changed', async () => {
  const world = await makeExampleWorld({ trust: 'confirm' });
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  await pair(obsidian, service, 'admin');
  await obsidian.command('Look at changed agent and policy notes');
  const trust = obsidian.view(views.trust);
  await trust.getByRole('button', { name: /^Confirm all/ }).click();
  await trust.getByText('Nothing waits.').waitFor();

  const coder = '00_system/opus/agents/coder.md';
  world.write(coder, world.note(coder).replace('timeout: 30m', 'timeout: 45m'));
  const changed = trust.getByRole('region', { name: coder, exact: true });
  await changed.waitFor();
  expect(await changed.locator('.opus-line-removed').innerText()).toContain('timeout: 30m');
  expect(await changed.locator('.opus-line-added').innerText()).toContain('timeout: 45m');
  await changed.getByRole('button', { name: `Confirm: ${coder}` }).click();
  await trust.getByText('Nothing waits.').waitFor();
  expect((await service.client.call('trust.list', {})).notes).toEqual([]);
});

it('says in the settings how it stands with the connection, and keeps what is set, and no more', async () => {
  const world = await makeExampleWorld();
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  await pair(obsidian, service);
  const settings = '.obsidian/plugins/opus-orchestrator/data.json';
  await obsidian.page.keyboard.press('Control+,');
  const modal = obsidian.page.locator('.modal.mod-settings');
  await press(modal, 'Test');
  await modal.getByText(/^Runner .* answered in \d+ ms\./).waitFor();
  await modal.getByText('as ada (approver)').waitFor();
  // Nothing is written before something is set.
  expect(() => world.note(settings)).toThrow();
  await modal.getByLabel('A job is finished').click();
  await expect.poll(() => JSON.parse(world.note(settings)) as unknown).toMatchObject({ noticeFinished: false });

  // As a sync brings it from another device.
  world.write(settings, world.note(settings).replace('"noticeFinished": false', '"noticeFinished": true'));
  const reopened = async (): Promise<boolean> => {
    await obsidian.page.keyboard.press('Escape');
    await obsidian.page.keyboard.press('Control+,');
    return await modal.getByLabel('A job is finished').isChecked();
  };
  await expect.poll(reopened).toBe(true);
  await press(modal, 'Unpair');
  await obsidian.page
    .locator('.modal', { hasText: 'Unpair this device?' })
    .last()
    .getByRole('button', { name: 'Unpair' })
    .click();
  await modal.getByText('Not paired.').waitFor();
  expect((await service.client.call('device.list', {})).devices).toEqual([]);
});
