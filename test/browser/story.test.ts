import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import { exampleNotes, makeExampleWorld } from '../support/browser/example-world.ts';
import { openDevice, useBrowser } from '../support/browser/obsidian-page.ts';
import { dispatch, jobRow, openSidebar, pair, press, recordTexts, views } from '../support/browser/person.ts';

const browser = useBrowser();
const main = join(import.meta.dirname, '../../runner/main.ts');
const note = exampleNotes.compound;

it('takes a planned note to a merged change: paired by a link, dispatched by a right-click, read, approved', async () => {
  const world = await makeExampleWorld({ isPlanned: true });
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  const before = world.note(note);

  const paired = await promisify(execFile)(process.execPath, [main, 'pair', '--config', world.config, '--json']);
  const { link } = JSON.parse(paired.stdout) as { link: string };
  await obsidian.openUrl(link);
  const question = obsidian.page.locator('.modal');
  expect(await question.innerText()).toContain(world.url);
  await press(question, 'Pair');

  const sidebar = await openSidebar(obsidian);
  await sidebar.getByText('Connected to').waitFor();
  const stages = await recordTexts(sidebar, '.opus-stage-name');
  await dispatch(obsidian, note);
  const row = jobRow(sidebar, 'FR-001');
  await row.getByText('Approve the merge?').waitFor();
  const rounds = await stages();
  expect(rounds.map((text) => text.replace(/,.*/, ''))).toEqual(
    ['Plan', 'Code', 'Test', 'Review', 'Code', 'Test', 'Review', 'Deliver'].slice(0, rounds.length),
  );
  expect(rounds.length).toBeGreaterThanOrEqual(7);
  await world.noteReads(note, /^status: in-review$/m);

  await row.getByRole('button', { name: 'Review changes: FR-001-1' }).click();
  const review = obsidian.view(views.review);
  await review.getByText('Pass, 93% sure.').waitFor();
  expect(await review.locator('.opus-evidence').innerText()).toContain('exit code 0');
  const diff = review.getByRole('table', { name: 'Changes of src/parse.js' });
  const head = world.git('rev-parse', 'refs/heads/opus/FR-001-1-read-compound-spans').trim();
  const merged = world.git('show', `${head}:src/parse.js`);
  for (const line of await diff.locator('.opus-line-added code').allInnerTexts()) expect(merged).toContain(line.trim());
  expect(await review.locator('.opus-bound code').innerText()).toBe(`merge@${head.slice(0, 8)}`);

  await review.getByRole('button', { name: `Approve: FR-001 merge@${head.slice(0, 8)}` }).click();
  await obsidian.notice('FR-001 Read compound spans is done.').waitFor();
  await world.noteReads(note, /^status: done$/m);
  expect(world.git('show', 'main:src/parse.js')).toBe(merged);
  // The user's own lines are as they were, but for the one that is the answer.
  const after = world.note(note).split('\n');
  expect(before.split('\n').filter((line) => !after.includes(line))).toEqual(['status: planned']);
  const { events } = await service.client.call('events.since', { afterSeq: 0, limit: 1_000 });
  const decided = events.find(({ type }) => type === 'approval.decided');
  expect(decided?.data).toMatchObject({ kind: 'approve', device: 'Desktop' });
});

it('does the same on a phone', async () => {
  const world = await makeExampleWorld();
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url, isMobile: true });
  const obsidian = await device.open();
  await pair(obsidian, service);
  await obsidian.command('Files: Show file explorer');
  await dispatch(obsidian, exampleNotes.fewer);
  const sidebar = await openSidebar(obsidian);
  const row = jobRow(sidebar, 'FR-002');
  await row.getByText('Approve the merge?').waitFor();
  // Nothing is wider than the screen.
  const tooWide = (view: Locator): Promise<number> =>
    view.locator('.view-content').evaluate((content) => content.scrollWidth - content.clientWidth);
  expect(await tooWide(sidebar)).toBe(0);

  await row.getByRole('button', { name: 'Review changes: FR-002-1' }).tap();
  const review = obsidian.view(views.review);
  await review.getByRole('table', { name: 'Changes of src/format.js' }).waitFor();
  expect(await tooWide(review)).toBe(0);
  await review.getByRole('button', { name: 'Approve: FR-002' }).tap();
  await world.noteReads(exampleNotes.fewer, /^status: done$/m);
  const { events } = await service.client.call('events.since', { afterSeq: 0, limit: 1_000 });
  const decided = events.find(({ type }) => type === 'approval.decided');
  expect(decided?.data).toMatchObject({ kind: 'approve', person: 'ada', device: 'Phone' });
});
