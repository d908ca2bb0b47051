import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { builtPages } from './build-pages.ts';
import type { Gallery, GalleryRequest } from '../../browser/fixtures/view-gallery.tsx';

const root = join(import.meta.dirname, '../../..');
const sheets = ['test/browser/fixtures/obsidian-variables.css', 'test/browser/fixtures/view-gallery.css', 'styles.css'];

export interface GalleryPage {
  readonly page: Page;
  readonly show: (request: GalleryRequest) => Promise<void>;
  /** What was asked of the runner or the host under this name, in order. */
  readonly asked: (what: string) => Promise<unknown[]>;
  readonly set: (change: Partial<Pick<Gallery, 'answer' | 'hold'>>) => Promise<void>;
}

/** A page with every view, whose runner is made up. Whatever fails in the page fails the test. */
export async function openGallery(browser: Browser): Promise<GalleryPage> {
  const styles = await Promise.all(sheets.map((sheet) => readFile(join(root, sheet), 'utf8')));
  const page = await browser.newPage({ viewport: { width: 1_100, height: 800 }, reducedMotion: 'reduce' });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  onTestFinished(async () => {
    await page.close();
    if (problems.length > 0) throw new Error(`The page failed: ${problems.join('\n')}`);
  });
  await page.setContent(
    `<!doctype html><html lang="en"><head><title>Views</title><style>${styles.join('\n')}</style></head><body></body></html>`,
  );
  await page.addScriptTag({ path: join(builtPages, 'view-gallery.js') });
  return {
    page,
    async show(request) {
      if (request.width !== undefined) {
        await page.setViewportSize({ width: request.width, height: request.width < 500 ? 844 : 800 });
      }
      await page.evaluate((given) => {
        window.gallery.show(given);
      }, request);
      await page.locator('.opus-view').first().waitFor();
    },
    asked: (what) =>
      page.evaluate((name) => window.gallery.asked.filter((each) => each.what === name).map((each) => each.with), what),
    async set(change) {
      await page.evaluate((given) => {
        Object.assign(window.gallery, given);
      }, change);
    },
  };
}
