import { expect, it } from 'vitest';
import { exampleNotes, makeExampleWorld } from '../support/browser/example-world.ts';
import { openDevice, useBrowser } from '../support/browser/obsidian-page.ts';
import { dispatch, jobRow, openSidebar, pair } from '../support/browser/person.ts';

const browser = useBrowser();
const note = exampleNotes.fewer;

it('shows two devices the same, lets one decide once, and shuts out the one that is revoked', async () => {
  const world = await makeExampleWorld();
  const service = await world.start();
  const options = { vault: world.vault, runnerUrl: world.url };
  const desktop = await (await openDevice(browser(), options)).open();
  const phone = await (await openDevice(browser(), { ...options, isMobile: true })).open();
  const tablet = await (await openDevice(browser(), options)).open();
  await pair(desktop, service, 'approver');
  await pair(phone, service, 'approver');
  await pair(tablet, service, 'viewer');
  const [onDesktop, onPhone, onTablet] = [
    await openSidebar(desktop),
    await openSidebar(phone),
    await openSidebar(tablet),
  ];

  await dispatch(desktop, note);
  const rows = [onDesktop, onPhone, onTablet].map((sidebar) => jobRow(sidebar, 'FR-002'));
  for (const row of rows) await row.getByText('Approve the merge?').waitFor();
  // Whoever may not decide has no button for it.
  const approve = rows.map((row) => row.getByRole('button', { name: /^Approve: FR-002/ }));
  expect(await approve[2]?.count()).toBe(0);

  await Promise.all([approve[0]?.click(), approve[1]?.tap()]);
  await world.noteReads(note, /^status: done$/m);
  const { events } = await service.client.call('events.since', { afterSeq: 0, limit: 1_000 });
  const decided = events.filter(({ type }) => type === 'approval.decided');
  expect(decided).toHaveLength(1);
  expect(events.filter(({ type }) => type === 'pr.merged')).toHaveLength(1);
  for (const row of rows) await row.getByText(/^Merged/).waitFor();

  const { devices } = await service.client.call('device.list', {});
  const lost = devices.find(({ name }) => name === 'Phone');
  await service.client.call('device.revoke', { device: lost?.id ?? '' });
  await onPhone.getByText('The runner does not know this device any more.').waitFor();
  await onPhone.getByRole('button', { name: 'Pair a runner' }).waitFor();
  await onDesktop.getByText('Connected to').waitFor();
});
