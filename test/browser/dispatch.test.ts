import { expect, it } from 'vitest';
import { exampleNotes, makeExampleWorld } from '../support/browser/example-world.ts';
import { openDevice, useBrowser } from '../support/browser/obsidian-page.ts';
import { jobRow, openSidebar, pair, press } from '../support/browser/person.ts';

const browser = useBrowser();

it('dispatches from a folder, from the text of a note and by command, and creates a note to dispatch', async () => {
  const world = await makeExampleWorld({ config: ['concurrency: 1'] });
  const service = await world.start();
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  await pair(obsidian, service, 'operator');
  await obsidian.page.locator('.status-bar').getByText('0 running').waitFor();
  await obsidian.command('Pause everything');
  await obsidian.notice('Everything is paused').waitFor();
  const dispatched = async (): Promise<string[]> =>
    (await service.client.call('job.list', {})).jobs.map(({ fr }) => fr).sort();

  // A note that is no feature request offers nothing.
  await obsidian.file('README.md').click({ button: 'right' });
  expect(await obsidian.menuItem('Dispatch').count()).toBe(0);

  await obsidian.openNote(exampleNotes.compound);
  await obsidian.page.locator('.cm-line').last().click({ button: 'right' });
  await obsidian.menuItem('Dispatch FR').click();
  await obsidian.notice('Dispatched FR-001').waitFor();
  await obsidian.openNote(exampleNotes.fewer);
  await obsidian.command('Dispatch this FR');
  await obsidian.notice('Dispatched FR-002').waitFor();
  await obsidian.file('10_features/01_ideas').click({ button: 'right' });
  await obsidian.menuItem('Dispatch FR').click();
  await obsidian.notice('Dispatched FR-004').waitFor();
  expect(await dispatched()).toEqual(['FR-001', 'FR-002', 'FR-004']);

  await obsidian.command('New FR from the template');
  const modal = obsidian.page.locator('.modal');
  await modal.getByLabel('Title').fill('Read: "quoted" spans');
  await press(modal, 'Create');
  const made = '10_features/01_ideas/FR-005-read-quoted-spans.md';
  await obsidian.page.locator('.cm-content', { hasText: 'FR-005' }).waitFor();
  expect(world.note(made)).toMatch(/^title: .*Read: .*quoted.* spans.*$/m);
  await obsidian.command('Validate this FR');
  await obsidian.notice('FR-005 has no problems.').waitFor();

  // A second job for what is not finished is asked for by name.
  await obsidian.openNote(exampleNotes.fewer);
  await obsidian.command('Dispatch this FR');
  await press(obsidian.page.locator('.modal', { hasText: 'Dispatch FR-002 again?' }), 'Cancel');
  expect(await dispatched()).toEqual(['FR-001', 'FR-002', 'FR-004']);

  const sidebar = await openSidebar(obsidian);
  await press(sidebar, 'Resume everything');
  await jobRow(sidebar, 'FR-001').locator('.opus-stage-name').waitFor();
  await press(jobRow(sidebar, 'FR-004'), 'More: FR-004-1');
  await press(jobRow(sidebar, 'FR-004'), 'Cancel: FR-004-1');
  await press(obsidian.page.locator('.modal', { hasText: 'Cancel FR-004?' }), 'Cancel the job');
  await world.noteReads(exampleNotes.idea, /^status: parked$/m);
});

it('creates a note from the template of the vault, and names the broken note of a folder that is dispatched', async () => {
  const world = await makeExampleWorld();
  world.write(
    '00_system/opus/templates/feature-request.md',
    '---\n# ours\nid: {{id}}\ntitle: {{title}}\nstatus: idea\nteam: spans\n---\n\n# {{title}}\n\nAsked for on {{date}}.\n',
  );
  const broken = '10_features/01_ideas/FR-009-broken.md';
  world.write(broken, '---\nid: FR-009\ntitle: Dispatch: one click\nstatus: idea\n---\n');
  const service = await world.start();
  await service.client.call('runner.pause', {});
  const device = await openDevice(browser(), { vault: world.vault, runnerUrl: world.url });
  const obsidian = await device.open();
  await pair(obsidian, service, 'operator');

  await obsidian.command('New FR from the template');
  const form = obsidian.page.locator('.modal');
  await press(form, 'Create');
  await form.getByText('Title: this must not be empty.').waitFor();
  await form.getByLabel('Title').fill('Spans: with weeks');
  await press(form, 'Create');
  await obsidian.page.locator('.cm-content', { hasText: 'Asked for on' }).waitFor();
  const id = 'FR-010';
  expect(world.note(`10_features/01_ideas/${id}-spans-with-weeks.md`)).toMatch(
    new RegExp(
      `^---\\n# ours\\nid: ${id}\\ntitle: "Spans: with weeks"\\nstatus: idea\\nteam: spans\\n---\\n\\n# Spans: with weeks\\n\\nAsked for on \\d{4}-\\d\\d-\\d\\d\\.\\n$`,
    ),
  );

  await obsidian.file('10_features/01_ideas').click({ button: 'right' });
  await obsidian.menuItem('Dispatch 2 FRs').click();
  const problems = obsidian.page.locator('.modal.opus-problems');
  await problems.getByText(broken).waitFor();
  await press(problems, 'Open line 3');
  await obsidian.notice(`Dispatched ${id}`).waitFor();
  const { jobs } = await service.client.call('job.list', {});
  expect(jobs.map(({ fr }) => fr).sort()).toEqual(['FR-004', id]);
});
