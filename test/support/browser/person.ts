import type { Locator } from 'playwright-core';
import type { Role } from '../../../shared/protocol/roles.ts';
import type { ServiceProcess } from '../service-process.ts';
import type { ObsidianPage } from './device.ts';

export const views = {
  sidebar: 'opus-orchestrator-sidebar',
  board: 'opus-orchestrator-board',
  output: 'opus-orchestrator-output',
  review: 'opus-orchestrator-review',
  trust: 'opus-orchestrator-trust',
} as const;

/** Opens a link of the runner and agrees. */
export async function pair(obsidian: ObsidianPage, service: ServiceProcess, role: Role = 'approver'): Promise<void> {
  const { link } = await service.client.call('pairing.create', { role, person: 'ada' });
  await obsidian.openUrl(link);
  await press(obsidian.page.locator('.modal'), 'Pair');
  await obsidian.notice(`as ada (${role})`).waitFor();
}

export async function openSidebar(obsidian: ObsidianPage): Promise<Locator> {
  await obsidian.command('Open the sidebar');
  const sidebar = obsidian.view(views.sidebar);
  await sidebar.waitFor();
  return sidebar;
}

/** In the file explorer, by the menu of the other button. */
export async function dispatch(obsidian: ObsidianPage, path: string): Promise<void> {
  await obsidian.file(path).click({ button: 'right' });
  await obsidian.menuItem('Dispatch FR').click();
  await obsidian.notice('Dispatched').waitFor();
}

export async function press(within: Locator, name: string): Promise<void> {
  await within.getByRole('button', { name, exact: true }).click();
}

/** The row of a job in the sidebar, wherever it stands now. */
export function jobRow(sidebar: Locator, fr: string): Locator {
  return sidebar.locator('.opus-row', { has: sidebar.page().locator('.opus-fr', { hasText: fr }) });
}

/** What an element says from now on, each text once, in order. */
export async function recordTexts(within: Locator, selector: string): Promise<() => Promise<string[]>> {
  await within.evaluate((element, wanted) => {
    const seen: string[] = [];
    const look = (): void => {
      for (const found of element.querySelectorAll(wanted)) {
        const text = found.textContent;
        if (seen.at(-1) !== text) seen.push(text);
      }
    };
    new MutationObserver(look).observe(element, { subtree: true, childList: true, characterData: true });
    look();
    Object.assign(element, { recordedTexts: seen });
  }, selector);
  return () => within.evaluate((element) => [...(element as unknown as { recordedTexts: string[] }).recordedTexts]);
}
