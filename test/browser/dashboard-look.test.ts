import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { aCode, makeDashboardLab, openPage, signIn, startBrowser, takePicture } from '../support/dashboard-lab.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

/** What axe finds serious or critical, with where it is. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(async () => {
    const loaded = window as unknown as { axe: typeof axe };
    return await loaded.axe.run({ resultTypes: ['violations'] });
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${String(target)} ${failureSummary ?? ''}`),
    );
}

async function missingIcons(page: Page): Promise<string[]> {
  return await page.evaluate(() =>
    [...document.querySelectorAll('.opus-icon use')]
      .map((use) => use.getAttribute('href') ?? '')
      .filter((name) => document.querySelector(name) === null),
  );
}

/** Links of the navigation over which something lies, wherever the page is scrolled to. */
async function coveredLinks(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const covered = new Set<string>();
    for (const element of [document.body, ...document.querySelectorAll('.opus-file-head, .opus-verdict, .opus-card')]) {
      element.scrollIntoView({ block: 'end' });
      for (const link of document.querySelectorAll('.opus-nav a')) {
        const { left, top, width, height } = link.getBoundingClientRect();
        const hit = document.elementFromPoint(left + width / 2, top + height / 2);
        const isOnScreen = top >= 0 && top + height <= innerHeight;
        if (isOnScreen && hit?.closest('a') !== link) covered.add(`${link.textContent} by ${hit?.className ?? ''}`);
      }
    }
    scrollTo(0, 0);
    return [...covered];
  });
}

const pages = [
  ['overview', '#/', 'Overview'],
  ['board', '#/board', 'Board'],
  ['review', '#/review/FR-001-1', 'Review of FR-001-1'],
  ['output', '#/output/FR-001-1', 'Output of FR-001-1'],
  ['trust', '#/trust', 'Trust'],
  ['spending', '#/spending', 'Spending'],
  ['devices', '#/devices', 'Devices'],
] as const;

const screens = [
  { screen: 'a desk', picture: '', pictured: 'light', viewport: { width: 1280, height: 900 } },
  { screen: 'a phone', picture: '-phone', pictured: 'dark', viewport: { width: 390, height: 844 } },
] as const;

describe('every page of the dashboard', () => {
  it.each(screens)(
    'is sound for assistive technology in light and dark, and fits $screen',
    { timeout: 120_000 },
    async (options) => {
      const { picture, pictured, viewport } = options;
      const lab = await makeDashboardLab();
      const service = await lab.serve();
      const { page } = await openPage(browser, lab.url, { reducedMotion: 'reduce', viewport, colorScheme: pictured });
      expect(await faults(page)).toEqual([]);
      await takePicture(page, `sign-in${picture}`);
      await signIn(page, await aCode(service), 'Firefox at home');
      for (const fr of ['FR-001', 'FR-002', 'FR-003']) await service.client.call('fr.dispatch', { fr });
      await page.getByRole('button', { name: /^Approve: FR-001/ }).waitFor({ timeout: 50_000 });
      await page.getByRole('button', { name: /^Approve: FR-002/ }).waitFor({ timeout: 50_000 });
      const found: string[] = [];
      for (const [name, hash, title] of pages) {
        await page.goto(`${lab.url}/${hash}`);
        await page.getByRole('heading', { name: title, level: 1 }).waitFor();
        await page.getByText(/^(?:Loading|Looking)/).waitFor({ state: 'detached' });
        for (const theme of ['light', 'dark'] as const) {
          await page.getByLabel('Colors').selectOption(theme);
          for (const fault of await faults(page)) found.push(`${name} ${theme}: ${fault}`);
          if (theme === pictured) await takePicture(page, `${name}${picture}`);
        }
        for (const icon of await missingIcons(page)) found.push(`${name} draws no ${icon}.`);
        for (const link of await coveredLinks(page)) found.push(`${name} covers ${link}.`);
        const cut = await page.evaluate(() =>
          [...document.querySelectorAll('.opus-spending-page table')].some(
            (table) => table.scrollWidth > (table.parentElement?.clientWidth ?? 0),
          ),
        );
        if (cut) found.push(`${name} cuts its table off.`);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        if (width > viewport.width) found.push(`${name} is ${width} wide.`);
      }
      expect(found).toEqual([]);
    },
  );
});
