import { expect, it } from 'vitest';
import { exampleNotes, makeExampleWorld } from '../support/browser/example-world.ts';
import { openDevice, useBrowser } from '../support/browser/obsidian-page.ts';
import { pair, views } from '../support/browser/person.ts';

const browser = useBrowser();
const idea = exampleNotes.idea;

it('moves notes between columns by drag and by keyboard, and changes nothing else in them', async () => {
  const world = await makeExampleWorld();
  world.write('00_system/opus/config.md', '---\ndispatch: manual\nbacklog: ask\n---\n');
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  await pair(obsidian, service, 'operator');
  await obsidian.command('Open the triage board');
  const board = obsidian.view(views.board);
  const card = board.locator('[data-card]', { hasText: 'FR-004' });
  await card.waitFor();
  const before = world.note(idea);
  expect(before).toMatch(/^status: idea$/m);

  const settled = board.locator('[data-card]:not(.opus-moving)', { hasText: 'FR-004' });
  await card.dragTo(board.getByRole('region', { name: 'Planned' }));
  await world.noteReads(idea, /^status: planned$/m);
  expect(changedLines(before, world.note(idea))).toEqual(['status: planned']);

  await settled.waitFor();
  await card.focus();
  const planned = world.note(idea);
  await obsidian.page.keyboard.press('Shift+ArrowUp');
  await expect.poll(() => changedLines(planned, world.note(idea))).toEqual([expect.stringMatching(/^priority: P\d$/)]);
  await settled.waitFor();
  await obsidian.page.keyboard.press('Shift+ArrowLeft');
  await world.noteReads(idea, /^status: idea$/m);

  await board.getByRole('searchbox').fill('signed');
  await expect.poll(() => board.locator('[data-card]').count()).toBe(1);
  await board.getByRole('button', { name: 'Table' }).click();
  expect(await board.getByRole('row').count()).toBe(2);
  await board.getByText('FR-001').first().waitFor();
});

it('shows the notes that a base chooses as a board, and goes with what is changed in them', async () => {
  const world = await makeExampleWorld();
  world.write('00_system/opus/config.md', '---\ndispatch: manual\nbacklog: ask\n---\n');
  world.write(
    'Triage.base',
    'filters: file.inFolder("10_features/03_planned")\nviews:\n  - { type: opus-orchestrator-board, name: Board }\n',
  );
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  await pair(obsidian, service, 'operator');
  await obsidian.file('Triage.base').click();
  const base = obsidian.view('bases');
  const planned = base.getByRole('region', { name: 'Planned' }).locator('[data-card]');
  await planned.nth(2).waitFor();
  expect(await base.locator('[data-card]', { hasText: 'FR-004' }).count()).toBe(0);
  world.write(exampleNotes.fewer, world.note(exampleNotes.fewer).replace('status: planned', 'status: parked'));
  await base.getByRole('region', { name: 'Parked' }).locator('[data-card]', { hasText: 'FR-002' }).waitFor();
  expect(await planned.count()).toBe(2);
  // A card leads to its note.
  await base.locator('[data-card]', { hasText: 'FR-002' }).focus();
  await obsidian.page.keyboard.press('Enter');
  await obsidian.page.locator('.cm-content', { hasText: 'Write fewer parts' }).waitFor();
});

it('leaves the base alone where bases are off', async () => {
  const world = await makeExampleWorld();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url, bases: false });
  const obsidian = await device.open();
  await obsidian.command('Open the triage board');
  await obsidian.view(views.board).waitFor();
});

function changedLines(before: string, after: string): string[] {
  const known = new Set(before.split('\n'));
  expect(after.split('\n')).toHaveLength(before.split('\n').length);
  return after.split('\n').filter((line) => !known.has(line));
}
