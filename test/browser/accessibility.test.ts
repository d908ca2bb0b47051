import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults, RunOptions } from 'axe-core';
import { expect, it } from 'vitest';
import { exampleNotes, makeExampleWorld } from '../support/browser/example-world.ts';
import { openDevice, useBrowser, type ObsidianPage } from '../support/browser/obsidian-page.ts';
import { jobRow, openSidebar, pair, views } from '../support/browser/person.ts';

const browser = useBrowser();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const images = join(import.meta.dirname, '../../docs/images');

const looks = [
  { name: 'light', isDark: false, isMobile: false },
  { name: 'dark', isDark: true, isMobile: false },
  { name: 'phone', isDark: false, isMobile: true },
];

it.each(looks)(
  'has nothing in any view that keeps somebody from using it: $name',
  async ({ name, isDark, isMobile }) => {
    const world = await makeExampleWorld({ trust: 'confirm' });
    const service = await world.start();
    const { notes } = await service.client.call('trust.list', {});
    await service.client.call('trust.confirm', { shown: notes.map(({ path, hash }) => ({ path, hash })) });
    const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url, isDark, isMobile });
    const obsidian = await device.open();
    await pair(obsidian, service, 'admin');
    await service.client.call('fr.dispatch', { fr: 'FR-002' });
    await world.noteReads(exampleNotes.fewer, /^gate: "merge@/m);
    const coder = '00_system/opus/agents/coder.md';
    world.write(coder, world.note(coder).replace('timeout: 30m', 'timeout: 45m'));
    world.write('10_features/01_ideas/FR-005-broken.md', brokenNote);
    const { pr } = await service.client.call('job.get', { job: 'FR-002-1' });
    world.write('Card.md', `# Today\n\n[The change](${pr?.url ?? ''})\n`);
    const found: string[] = [];
    await showAll(obsidian, async (view, place) => {
      await picture(obsidian, `obsidian-${view}-${name}`);
      found.push(...(await complaints(obsidian, place)).map((text) => `${view}: ${text}`));
    });
    expect(found).toEqual([]);
  },
);

const brokenNote = '---\nid: FR-005\ntitle: "Broken"\nstatus: planed\npriority: soon\n---\n';

/** Opens one view after the other. */
async function showAll(obsidian: ObsidianPage, look: (view: string, place: string) => Promise<void>): Promise<void> {
  const { page } = obsidian;
  const place = (view: string): string => `[data-type="${view}"] .view-content`;
  const sidebar = await openSidebar(obsidian);
  const row = jobRow(sidebar, 'FR-002');
  await row.getByText('Approve the merge?').waitFor();
  await look('sidebar', place(views.sidebar));
  await row.getByRole('button', { name: 'Open output: FR-002-1' }).click();
  await obsidian.view(views.output).getByText('review done:').last().waitFor();
  await look('output', place(views.output));
  await openSidebar(obsidian);
  await row.getByRole('button', { name: 'Review changes: FR-002-1' }).click();
  await obsidian.view(views.review).getByRole('table').first().waitFor();
  await look('review', place(views.review));
  await obsidian.command('Open the triage board');
  const board = obsidian.view(views.board);
  await board.getByText('FR-005').first().waitFor();
  await look('board', place(views.board));
  await board.getByRole('button', { name: 'Table' }).click();
  await board.getByRole('table').waitFor();
  await look('table', place(views.board));
  await obsidian.command('Look at changed agent and policy notes');
  await obsidian.view(views.trust).getByText('timeout: 45m').waitFor();
  await look('trust', place(views.trust));
  await obsidian.openNote('Card.md', 'preview');
  await page.locator('.markdown-preview-view .opus-card').waitFor();
  await look('card', '.markdown-preview-view');
  await obsidian.command('Open settings');
  await page.locator('.modal.mod-settings').getByText('as ada (admin)').waitFor();
  await look('settings', '.modal.mod-settings .vertical-tab-content');
  await page.keyboard.press('Escape');
  await obsidian.command('Pair this device with a runner');
  await look('pairing', '.modal');
  await page.keyboard.press('Escape');
}

async function complaints(obsidian: ObsidianPage, place: string): Promise<string[]> {
  const { page } = obsidian;
  await page.evaluate(axe);
  const results = await page.evaluate(
    ({ selector, options }) =>
      (window as unknown as { axe: { run: (place: string, options: RunOptions) => Promise<AxeResults> } }).axe.run(
        selector,
        options,
      ),
    { selector: place, options: { resultTypes: ['violations' as const] } },
  );
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`));
}

async function picture(obsidian: ObsidianPage, name: string): Promise<void> {
  if (process.env['OPUS_SCREENSHOTS'] !== '1') return;
  mkdirSync(images, { recursive: true });
  // They lie over what is to be seen.
  await obsidian.page.evaluate(() => {
    for (const notice of document.querySelectorAll('.notice')) notice.remove();
  });
  await obsidian.page.screenshot({ path: join(images, `${name}.png`) });
}
