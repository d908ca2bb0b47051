import { expect, it } from 'vitest';
import { exampleNotes, makeExampleWorld } from '../support/browser/example-world.ts';
import { openDevice, useBrowser } from '../support/browser/obsidian-page.ts';
import { dispatch, jobRow, openSidebar, pair, views } from '../support/browser/person.ts';

const browser = useBrowser();
const note = exampleNotes.fewer;

it('keeps what a person types into a note while the runner writes into it', async () => {
  const world = await makeExampleWorld();
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  await pair(obsidian, service);
  const sidebar = await openSidebar(obsidian);
  await obsidian.openNote(note);
  await dispatch(obsidian, note);
  const row = jobRow(sidebar, 'FR-002');
  await obsidian.page.locator('.cm-line').last().click();
  await obsidian.page.keyboard.press('Control+End');
  const typed: string[] = [];
  while (!(await row.getByText('Approve the merge?').isVisible())) {
    const word = ` w${typed.length}`;
    await obsidian.page.keyboard.type(word, { delay: 5 });
    typed.push(word);
  }
  await world.noteReads(note, new RegExp(`${typed.join('')}$`, 'm'));
  await world.noteReads(note, /^gate: "merge@/m);
  await row.getByRole('button', { name: /^Approve: FR-002/ }).click();
  await world.noteReads(note, /^status: done$/m);
  const text = world.note(note);
  expect(text).toContain(typed.join(''));
  expect(text.match(/^run_state: done$/gm)).toHaveLength(1);
});

it('shows a pull request as a card, in reading view and while it is written, and a list by a code block', async () => {
  const world = await makeExampleWorld();
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  await pair(obsidian, service);
  const sidebar = await openSidebar(obsidian);
  await dispatch(obsidian, note);
  await jobRow(sidebar, 'FR-002').getByText('Approve the merge?').waitFor();
  const { pr } = await service.client.call('job.get', { job: 'FR-002-1' });
  const url = pr?.url ?? '';
  const lines = [
    '# Today',
    '',
    `[The change](${url})`,
    '',
    'Text',
    '',
    '```opus',
    'status: waiting',
    '```',
    '',
    '```opus',
    'FR-002',
    '```',
    '',
    '```text',
    url,
    '```',
  ];
  world.write('Day.md', `${lines.join('\n')}\n`);
  await obsidian.file('Day.md').waitFor();

  await obsidian.openNote('Day.md', 'preview');
  const reading = obsidian.page.locator('.markdown-preview-view');
  const card = reading.locator('.opus-card-place .opus-card');
  await card.getByText('Needs a decision').waitFor();
  expect(await card.innerText()).toMatch(/Tests passed[\s\S]*Review passed[\s\S]*\+\d+/);
  const blocks = reading.locator('.block-language-opus');
  await blocks.nth(0).getByRole('rowheader', { name: 'FR-002-1' }).waitFor();
  await blocks.nth(1).getByText('Needs a decision').waitFor();

  await obsidian.openNote('Day.md', 'source');
  await obsidian.page.locator('.cm-line').first().click();
  const live = obsidian.page.locator('.cm-content .opus-card');
  await live.getByText('Needs a decision').waitFor();
  // What is written as code stays code.
  expect(await live.count()).toBe(1);
  await live.getByRole('button', { name: 'Review changes: FR-002-1' }).click();
  await obsidian.view(views.review).getByRole('table', { name: 'Changes of src/format.js' }).waitFor();

  await obsidian.openNote('Day.md', 'preview');
  // Alone in its paragraph the link gave way to its card; in a list it stays.
  world.write('List.md', `- [The change](${url})\n`);
  await obsidian.file('List.md').waitFor();
  await obsidian.openNote('List.md', 'preview');
  await obsidian.page.locator('.markdown-preview-view a.external-link').click({ button: 'right' });
  await obsidian.menuItem('Open the review of FR-002').waitFor();
  await obsidian.menuItem('Approve FR-002').click();
  await obsidian.page.locator('.modal').getByRole('button', { name: 'Approve', exact: true }).click();
  await world.noteReads(note, /^status: done$/m);
  await obsidian.page.locator('.markdown-preview-view .opus-card').getByText('Merged').first().waitFor();
});
