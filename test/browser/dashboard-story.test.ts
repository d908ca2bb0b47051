import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { aCode, makeDashboardLab, openPage, signIn, startBrowser } from '../support/dashboard-lab.ts';
import { patience } from '../support/service-process.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

const decision = { timeout: 50_000 };

/** Everything that the page says of stages at work from now on. */
async function watchStages(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const seen = new Set<string>();
    Object.assign(window, { seenStages: seen });
    const look = (): void => {
      for (const name of document.querySelectorAll('.opus-stage-name')) seen.add(name.textContent);
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
    look();
  });
  return () => page.evaluate(() => [...(window as unknown as { seenStages: Set<string> }).seenStages]);
}

async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate(
      () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
    );
    if (here.includes(name)) return;
  }
  throw new Error(`The Tab key does not reach ${name}.`);
}

describe('a feature request on the dashboard', () => {
  it.each([
    ['a desk', { viewport: { width: 1280, height: 800 } }],
    ['a phone', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
  ])(
    'goes from the board over a fix round and its diff to the merge, on %s',
    { timeout: 120_000 },
    async (_what, options) => {
      const lab = await makeDashboardLab();
      const service = await lab.serve();
      const { page } = await openPage(browser, lab.url, options);
      await signIn(page, await aCode(service, 'approver'));
      await page.getByRole('link', { name: 'Board' }).click();
      await page.getByRole('button', { name: 'Dispatch: FR-001' }).click();
      await page.getByText('FR-001 is dispatched as FR-001-1.').waitFor();
      await page.getByRole('link', { name: 'Overview' }).click();
      const stages = await watchStages(page);
      await page.getByRole('button', { name: /^Approve: FR-001/ }).waitFor(decision);
      expect(await page.title()).toBe('(1) Overview · Opus Orchestrator');
      expect((await stages()).length).toBeGreaterThan(1);
      expect((await service.client.call('job.get', { job: 'FR-001' })).rounds).toBe(1);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);

      await page.getByRole('button', { name: 'Review changes: FR-001-1' }).click();
      await page.getByRole('heading', { name: 'Review of FR-001-1' }).waitFor();
      const changes = page.getByRole('table', { name: 'Changes of test/compound.test.js' });
      await changes.getByText("test('reads back what format writes'").waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
      await page.getByRole('button', { name: /^Approve: FR-001/ }).click();
      await vi.waitFor(() => {
        expect(lab.note('FR-001')).toMatch(/^status: done$/m);
      }, patience);
      await page.goBack();
      await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
      await page.getByText('Recently finished').waitFor();
      expect(await page.title()).toBe('Overview · Opus Orchestrator');
    },
  );

  it('is approved by keyboard alone, after a rejection was given up', async () => {
    const lab = await makeDashboardLab();
    const service = await lab.serve();
    const { page } = await openPage(browser, lab.url);
    await page.getByLabel('One-time code').and(page.locator(':focus')).waitFor();
    await page.keyboard.type(await aCode(service, 'approver'));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await service.client.call('fr.dispatch', { fr: 'FR-002' });
    await page.getByRole('button', { name: /^Approve: FR-002/ }).waitFor(decision);
    await tabTo(page, 'Skip to content');
    await page.keyboard.press('Enter');
    await tabTo(page, 'Reject: FR-002');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')))
      .toContain('Reject: FR-002');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await vi.waitFor(() => {
      expect(lab.note('FR-002')).toMatch(/^status: done$/m);
    }, patience);
  });
});
