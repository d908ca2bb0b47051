import axe from 'axe-core';
import { expect, it } from 'vitest';
import { useBrowser } from '../support/browser/obsidian-page.ts';
import { openGallery } from '../support/browser/view-gallery.ts';
import { galleryHead } from './fixtures/gallery-state.ts';
import type { GalleryRequest } from './fixtures/view-gallery.tsx';

const browser = useBrowser();
const views = ['sidebar', 'board', 'table', 'output', 'review', 'trust', 'card', 'list'] as const;
const loaded: Partial<Record<GalleryRequest['view'], string>> = {
  output: 'Denied WebFetch',
  review: 'src/export.ts',
  trust: 'coder.md',
};

const cases = views.flatMap((view) => (['light', 'dark'] as const).map((theme) => [view, theme] as const));

it.each(cases)('shows %s in %s so that nobody is kept out', async (view, theme) => {
  const { page, show } = await openGallery(browser());
  await page.addScriptTag({ content: axe.source });
  for (const width of [1_100, 390]) {
    await show({ view, theme, width, isMobile: width === 390 });
    const sign = loaded[view];
    if (sign !== undefined) await page.getByText(sign).first().waitFor();
    const violations = await page.evaluate(async () => {
      const { violations: found } = await (window as unknown as { axe: typeof axe }).axe.run('.gallery');
      return found.map(({ id, impact, nodes }) => `${impact ?? ''} ${id}: ${nodes[0]?.html ?? ''}`);
    });
    expect(violations).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  }
  const small = await page
    .locator('.opus-view')
    .evaluate((root) =>
      [...root.querySelectorAll('button, select, input, summary')]
        .filter((each) => each.getBoundingClientRect().height > 0 && each.getBoundingClientRect().height < 44)
        .map((each) => each.outerHTML),
    );
  expect(small).toEqual([]);
});

it('shows the sidebar in 250 pixels', async () => {
  const { page, show } = await openGallery(browser());
  await show({ view: 'sidebar', width: 250 });
  await page.getByRole('button', { name: 'Approve: FR-012 merge@1234e567' }).waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(250);
});

it('sends a decision once, bound to all of the gate that was shown', async () => {
  const { page, show, asked, set } = await openGallery(browser());
  await show({ view: 'sidebar' });
  await set({ hold: true });
  const approve = page.getByRole('button', { name: 'Approve: FR-012 merge@1234e567' });
  await approve.dblclick();
  await page.getByRole('button', { name: 'Reject: FR-012 merge@1234e567' }).click({ force: true });
  expect(await approve.getAttribute('aria-busy')).toBe('true');
  await page.evaluate(() => {
    window.gallery.release();
  });
  await page.locator('[aria-busy]').waitFor({ state: 'detached' });
  expect(await asked('approval.decide')).toEqual([
    { job: 'FR-012-1', kind: 'approve', comment: '', gate: `merge@${galleryHead}` },
  ]);
  expect(await asked('ask')).toEqual([]);
});

it('rejects only after asking, with the comment', async () => {
  const { page, show, asked, set } = await openGallery(browser());
  await show({ view: 'sidebar' });
  const reject = page.getByRole('button', { name: 'Reject: FR-012 merge@1234e567' });
  await set({ answer: null });
  await reject.click();
  await expect.poll(() => asked('ask')).toMatchObject([{ destructive: true, action: 'Reject' }]);
  expect(await asked('approval.decide')).toEqual([]);
  await set({ answer: 'Not now.' });
  await reject.click();
  await expect
    .poll(() => asked('approval.decide'))
    .toEqual([{ job: 'FR-012-1', kind: 'reject', comment: 'Not now.', gate: `merge@${galleryHead}` }]);
});

it('answers a question, and copies what the answer is bound to', async () => {
  const { page, show, asked, set } = await openGallery(browser());
  await show({ view: 'sidebar' });
  await set({ answer: 'Last.' });
  await page.getByRole('button', { name: 'Answer: FR-015 question@77aa88bb' }).click();
  const gate = 'question@77aa88bb99cc00dd11ee22ff3344556677889900';
  await expect.poll(() => asked('question.answer')).toEqual([{ job: 'FR-015-1', answer: 'Last.', gate }]);
  await page.getByRole('button', { name: /^Copy .* question@77aa88bb$/ }).click();
  expect(await asked('copy')).toEqual([gate]);
});

it('says that the runner is gone, and lets nothing be asked of it', async () => {
  const { page, show, asked } = await openGallery(browser());
  await show({ view: 'sidebar', which: 'lost' });
  await page.getByText('Buildbox does not answer.').waitFor();
  const approve = page.getByRole('button', { name: 'Approve: FR-012 merge@1234e567' });
  expect(await approve.getAttribute('title')).toBe('The runner cannot be reached now.');
  await approve.click({ force: true });
  expect(await asked('approval.decide')).toEqual([]);
  await page.getByRole('button', { name: 'Reconnect' }).click();
  expect(await asked('wake')).toHaveLength(1);
  await page.evaluate(() => {
    window.gallery.change('connected');
  });
  await page.getByText('Connected to buildbox.').waitFor();
  await approve.click();
  expect(await asked('approval.decide')).toHaveLength(1);
});

it('shows a viewer what is asked and offers nothing that only others may', async () => {
  const { page, show } = await openGallery(browser());
  await show({ view: 'sidebar', role: 'viewer' });
  await page.getByText('This device may look at it; an approver decides.').first().waitFor();
  for (const name of [/^Approve/, /^Reject/, /^Answer/, /^Retry/, /^Pause everything/]) {
    expect(await page.getByRole('button', { name }).count()).toBe(0);
  }
  await show({ view: 'board', role: 'viewer' });
  expect(await page.getByRole('button', { name: /^Dispatch/ }).count()).toBe(0);
});

it('shows what others wrote as text, and opens web pages only', async () => {
  const { page, show } = await openGallery(browser());
  await show({ view: 'sidebar' });
  const row = page.getByRole('listitem').filter({ hasText: 'FR-008' });
  await row.getByText('Print <b>view</b>').waitFor();
  expect(await row.getByRole('button', { name: /pull request/ }).count()).toBe(0);
});

it('moves a card with the keyboard, tells of it and puts it back when that is refused', async () => {
  const { page, show, asked, set } = await openGallery(browser());
  await show({ view: 'board' });
  const cardIn = (column: string) =>
    page.getByRole('region', { name: column, exact: true }).getByRole('listitem', { name: /^FR-021/ });
  await cardIn('Planned').focus();
  await page.keyboard.press('Shift+ArrowRight');
  await page.getByText('FR-021 is set to In progress.').waitFor({ state: 'attached' });
  expect(await asked('setProperties')).toEqual([{ id: 'FR-021', change: { status: 'in-progress' } }]);
  await expect.poll(() => cardIn('In progress').evaluate((card) => card === document.activeElement)).toBe(true);

  await set({ answer: null });
  await show({ view: 'board' });
  await cardIn('Planned').focus();
  await page.keyboard.press('Shift+ArrowUp');
  await page.getByText('FR-021 was not changed.').waitFor({ state: 'attached' });
  expect(await asked('setProperties')).toEqual([{ id: 'FR-021', change: { priority: 'P0' } }]);
  await expect.poll(() => cardIn('Planned').getByRole('combobox').inputValue()).toBe('P1');
});

it('moves a card with the mouse and with a finger', async () => {
  const { page, show, asked } = await openGallery(browser());
  await show({ view: 'board', width: 1_100 });
  const card = page.getByRole('listitem', { name: /^FR-022/ });
  await card.dragTo(page.getByRole('region', { name: 'Planned', exact: true }), { targetPosition: { x: 20, y: 400 } });
  await expect.poll(() => asked('setProperties')).toEqual([{ id: 'FR-022', change: { status: 'planned' } }]);

  await show({ view: 'board', width: 1_100, isMobile: true });
  const grip = await card.locator('.opus-grip').boundingBox();
  const column = await page.getByRole('region', { name: 'Planned', exact: true }).boundingBox();
  if (grip === null || column === null) throw new Error('Neither is seen.');
  await page.mouse.move(grip.x + 10, grip.y + 10);
  await page.mouse.down();
  await page.mouse.move(column.x + 20, column.y + 300, { steps: 5 });
  await page.mouse.up();
  await expect.poll(() => asked('setProperties')).toEqual([{ id: 'FR-022', change: { status: 'planned' } }]);
});

it('filters and sorts the table, opens a problem at its line and dispatches', async () => {
  const { page, show, asked } = await openGallery(browser());
  await show({ view: 'table' });
  const rows = page.getByRole('table').getByRole('row');
  await page.getByRole('button', { name: 'FR', exact: true }).click();
  await expect.poll(() => rows.nth(2).textContent()).toContain('FR-008');
  await page.getByRole('button', { name: 'FR', exact: true }).click();
  await expect.poll(() => rows.nth(1).textContent()).toContain('FR-025');
  await page.getByRole('searchbox', { name: 'Filter by FR or title' }).fill('templ');
  await expect.poll(() => rows.count()).toBe(2);
  await page.getByRole('button', { name: /^Line 6/ }).click();
  expect(await asked('openNote')).toEqual([{ path: '10_features/FR-025.md', line: 6 }]);
  await page.getByRole('searchbox', { name: 'Filter by FR or title' }).fill('FR-021');
  await page.getByRole('button', { name: 'Dispatch: FR-021' }).click();
  expect(await asked('dispatch')).toEqual(['FR-021']);
  await page.getByRole('combobox', { name: 'Status of FR-021' }).selectOption('parked');
  expect(await asked('setProperties')).toEqual([{ id: 'FR-021', change: { status: 'parked' } }]);
});

it('comments on a line by keyboard and sends it back, and keeps it when something else is asked by now', async () => {
  const { page, show, asked } = await openGallery(browser());
  await show({ view: 'review', stale: true });
  const line = page.getByRole('row', { name: /calendarEntry/ });
  await line.focus();
  await page.keyboard.press('c');
  await page.getByRole('textbox', { name: 'Comment on src/export.ts:9' }).fill('Use an empty check.');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('button', { name: 'Send back with 1 comment' }).click();
  const sent = {
    job: 'FR-012-1',
    comments: [{ file: 'src/export.ts', line: 9, body: 'Use an empty check.' }],
    comment: '',
    gate: `merge@${galleryHead}`,
  };
  await expect.poll(() => asked('job.comment')).toEqual([sent]);
  const alert = page.getByRole('alert').filter({ hasText: 'asks about merge@99990000 by now' });
  await alert.getByRole('button', { name: 'Reload' }).click();
  await expect.poll(() => asked('job.diff')).toHaveLength(2);
  await alert.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Send back with 1 comment' }).waitFor();
});

it('walks through files and lines with keys, and says what was found where it was found', async () => {
  const { page, show } = await openGallery(browser());
  await show({ view: 'review' });
  const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');
  await page
    .getByRole('button', { name: /^src\/export.ts/ })
    .last()
    .focus();
  await page.keyboard.press('n');
  await expect.poll(focused).toContain('test/export.test.ts');
  await page.keyboard.press('p');
  await expect.poll(focused).toContain('src/export.ts');
  const line = page.getByRole('row', { name: /calendarEntry/ });
  expect(await line.locator('xpath=following-sibling::tr[1]').textContent()).toContain('empty text passes this filter');
  await page.getByText('An assertion was removed').waitFor();
  await page.getByText('exit code 1, 6s, at 1234e567').waitFor();
});

it('searches the output, pauses it and tells of what is missing in it', async () => {
  const { page, show, asked } = await openGallery(browser());
  await show({ view: 'output' });
  const log = page.getByRole('log');
  await log.getByText('Denied WebFetch').waitFor();
  await page.getByRole('searchbox').fill('EXPORT.ts');
  await page.getByText('1 of 2').waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('2 of 2').waitFor();
  await page.keyboard.press('Shift+Enter');
  await page.getByText('1 of 2').waitFor();

  await page.getByRole('button', { name: 'Pause' }).click();
  await page.evaluate(() => {
    window.gallery.output(100, 3);
  });
  await page.getByText('Paused here; 17 newer lines.').waitFor();
  expect(await log.getByText('3 entries are missing here.').count()).toBe(0);
  await page.getByRole('button', { name: 'Go on' }).click();
  await log.getByText('3 entries are missing here.').waitFor();

  await page.evaluate(() => {
    window.gallery.reconnectOutput();
  });
  await log.getByText('The connection was lost and is back.').waitFor();
  await page.getByText('The job rests.').waitFor();
  expect(await log.getByText('Denied WebFetch').count()).toBe(2);
  await page.getByRole('button', { name: 'Copy all' }).click();
  await expect.poll(() => asked('copy')).toHaveLength(1);
});

it('confirms exactly the notes that are shown', async () => {
  const { page, show, asked } = await openGallery(browser());
  await show({ view: 'trust' });
  await page.getByText('claude -p --verbose').waitFor();
  await page.getByRole('button', { name: 'Confirm: 90_opus/agents/coder.md' }).click();
  await expect
    .poll(() => asked('trust.confirm'))
    .toEqual([{ shown: [{ path: '90_opus/agents/coder.md', hash: 'ab'.repeat(32) }] }]);
  await show({ view: 'trust', role: 'approver' });
  await page.getByText('Only an admin may confirm them').waitFor();
  expect(await page.getByRole('button', { name: /^Confirm/ }).count()).toBe(0);
});
