import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Browser } from 'playwright-core';
import { aCode, makeDashboardLab, openPage, signIn, startBrowser } from '../support/dashboard-lab.ts';
import { patience } from '../support/service-process.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

describe('the dashboard holds out', () => {
  it('while the runner is killed and started again in the middle of a job', { timeout: 120_000 }, async () => {
    const lab = await makeDashboardLab();
    const first = await lab.serve();
    const { page } = await openPage(browser, lab.url);
    await signIn(page, await aCode(first));
    await first.client.call('fr.dispatch', { fr: 'FR-002' });
    await page.locator('.opus-stage-running').first().waitFor();
    await first.kill();
    await page.getByText('does not answer').waitFor();
    // What was known stays.
    await page.getByText('Write fewer parts').first().waitFor();
    await page.getByRole('link', { name: 'Board' }).click();
    await page.getByText('does not answer').waitFor();
    await lab.serve();
    await page.getByText('does not answer').waitFor({ state: 'detached' });
    await page.goBack();
    await page.getByRole('button', { name: /^Approve: FR-002/ }).click({ timeout: 50_000 });
    await vi.waitFor(() => {
      expect(lab.note('FR-002')).toMatch(/^status: done$/m);
    }, patience);
  });

  it('against a note that is written to be more than text', async () => {
    const title = `<img src=x onerror="document.title='taken'"> [go](javascript:document.title='taken')`;
    const lab = await makeDashboardLab();
    const text = [
      '---',
      'id: FR-066',
      `title: '${title.replaceAll("'", "''")}'`,
      'status: idea',
      'repo: app',
      '---',
      '',
    ];
    writeFileSync(join(lab.vault, '10_features/01_ideas/FR-066-taken.md'), text.join('\n'));
    const service = await lab.serve();
    const { page } = await openPage(browser, lab.url);
    await signIn(page, await aCode(service));
    await page.getByRole('link', { name: 'Board' }).click();
    await page.getByText(title).first().waitFor();
    expect(await page.locator('#opus img, #opus script, #opus iframe, a[href^="javascript:" i]').count()).toBe(0);
    expect(await page.title()).toBe('Board · Opus Orchestrator');
    await page.goto(`${lab.url}/#/review/${encodeURIComponent('<img src=x>')}`);
    await page.getByRole('heading', { name: 'Review of <img src=x>' }).waitFor();
    expect(await page.locator('#opus img').count()).toBe(0);
  });

  it('complains of whatever its policy refuses', async () => {
    const lab = await makeDashboardLab();
    await lab.serve();
    const { page, complaints, forgive } = await openPage(browser, lab.url);
    await page.evaluate(() => {
      const picture = new Image();
      picture.src = 'https://elsewhere.example/x.png';
      const script = document.createElement('script');
      script.textContent = 'document.title = "taken"';
      document.body.append(picture, script);
    });
    await vi.waitFor(() => {
      expect(complaints().toSorted()).toEqual([
        expect.stringMatching(/^violation: img-src /),
        expect.stringMatching(/^violation: script-src/),
      ]);
    }, patience);
    expect(await page.title()).not.toBe('taken');
    forgive();
  });
});
