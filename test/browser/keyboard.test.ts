import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { exampleNotes, makeExampleWorld } from '../support/browser/example-world.ts';
import { openDevice, useBrowser } from '../support/browser/obsidian-page.ts';
import { jobRow, views } from '../support/browser/person.ts';

const browser = useBrowser();
const note = exampleNotes.fewer;

it('is all done with a keyboard alone', async () => {
  const world = await makeExampleWorld();
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  const { page } = obsidian;
  const { keyboard } = page;

  const { url, code } = await service.client.call('pairing.create', { role: 'approver', person: 'ada' });
  await obsidian.command('Pair this device with a runner');
  await keyboard.type(url);
  await tabTo(page, /^Code/);
  await keyboard.type(code);
  await keyboard.press('Control+Enter');
  await obsidian.notice('as ada (approver)').waitFor();

  await obsidian.command('Files: Show file explorer');
  await keyUntil(page, 'ArrowDown', /FR-002/);
  await keyboard.press('Shift+F10');
  await obsidian.menuItem('Dispatch FR').waitFor();
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await obsidian.notice('Dispatched FR-002').waitFor();

  await obsidian.command('Open the sidebar');
  await jobRow(obsidian.view(views.sidebar), 'FR-002').getByText('Approve the merge?').waitFor();
  await tabTo(page, /^Review changes: FR-002-1/);
  await keyboard.press('Enter');
  const review = obsidian.view(views.review);
  await review.getByRole('table', { name: 'Changes of src/format.js' }).waitFor();
  await keyUntil(page, 'Tab', /added:|removed:|^\d/);
  await keyboard.press('ArrowDown');
  await keyboard.press('c');
  await review.locator('textarea:focus').waitFor();
  await keyboard.type('Why here?');
  await keyboard.press('Control+Enter');
  await review.getByText('Your comment, not sent yet').waitFor();
  await tabTo(page, /^Remove comment/);
  await keyboard.press('Enter');
  await tabTo(page, /^Approve: FR-002/);
  await keyboard.press('Enter');
  await world.noteReads(note, /^status: done$/m);
});

it('closes what was opened with Escape, and puts the focus back', async () => {
  const world = await makeExampleWorld();
  await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  await obsidian.command('Files: Show file explorer');
  await keyUntil(obsidian.page, 'ArrowDown', /FR-002/);
  await obsidian.command('Pair this device with a runner');
  await obsidian.page.keyboard.press('Escape');
  expect(await obsidian.page.locator('.modal').count()).toBe(0);
  expect(await focused(obsidian.page)).toContain('FR-002');
});

const tabTo = (page: Page, name: RegExp): Promise<void> => keyUntil(page, 'Tab', name);

/** Presses a key until what has the focus has such a name. */
async function keyUntil(page: Page, key: string, name: RegExp): Promise<void> {
  const passed: string[] = [];
  for (let presses = 0; presses < 150; presses += 1) {
    await page.keyboard.press(key);
    const reached = await focused(page);
    if (name.test(reached)) return;
    passed.push(reached);
  }
  throw new Error(`${key} does not lead to ${String(name)}, but to: ${[...new Set(passed)].join(' · ')}`);
}

async function focused(page: Page): Promise<string> {
  return await page.evaluate(() => {
    const element = document.activeElement;
    return (element?.getAttribute('aria-label') ?? element?.textContent ?? '').trim().slice(0, 80);
  });
}
