import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { aCode, makeDashboardLab, openPage, signIn, startBrowser } from '../support/dashboard-lab.ts';
import type { DashboardLab } from '../support/dashboard-lab.ts';
import type { ServiceProcess } from '../support/service-process.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

async function served(): Promise<{ lab: DashboardLab; service: ServiceProcess }> {
  const lab = await makeDashboardLab();
  return { lab, service: await lab.serve() };
}

const problem = (page: Page): Promise<string | null> => page.getByRole('alert').filter({ hasText: /./ }).textContent();
const overview = (page: Page): Promise<void> => page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
const stored = (page: Page): Promise<string | null> => page.evaluate(() => localStorage.getItem('opus-session'));

describe('signing in to the dashboard', () => {
  it('takes the code from a link, out of the address at once, and keeps the token out of every address', async () => {
    const { lab, service } = await served();
    const { page, addresses } = await openPage(browser, `${lab.url}/#pair=${await aCode(service)}`);
    expect(page.url()).toBe(`${lab.url}/`);
    expect(await page.getByLabel('Name of this browser').inputValue()).toBe('Chrome on Linux');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await overview(page);
    const { token } = JSON.parse((await stored(page)) ?? '{}') as { token: string };
    expect(token.length).toBeGreaterThan(20);
    expect(addresses().filter((address) => address.includes(token))).toEqual([]);
    await page.reload();
    await overview(page);
    const { devices } = await service.client.call('device.list', {});
    expect(devices).toMatchObject([{ name: 'Chrome on Linux', role: 'admin', connected: true }]);
  });

  it('says what is wrong with a code, and takes a right one after', async () => {
    const { lab, service } = await served();
    const { page } = await openPage(browser, lab.url);
    await page.getByRole('button', { name: 'Sign in' }).click();
    expect(await problem(page)).toContain('Type the code');
    await page.getByLabel('One-time code').fill('WRONG-CODE1');
    await page.keyboard.press('Enter');
    await page.getByText('is not known, was used, or has expired').waitFor();
    expect(await stored(page)).toBe(null);
    await signIn(page, await aCode(service));
  });

  it('shows a viewer no decision and no devices', async () => {
    const { lab, service } = await served();
    await service.client.call('fr.dispatch', { fr: 'FR-002' });
    const { page } = await openPage(browser, lab.url);
    await signIn(page, await aCode(service, 'viewer'));
    await page.getByText('This device may look at it; an approver decides.').waitFor();
    expect(await page.getByRole('button', { name: /^Approve/ }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Devices' }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Board' }).count()).toBe(1);
  });

  it('signs out in every tab, and is known to nobody any more, whatever it might do', async () => {
    const { lab, service } = await served();
    const { page } = await openPage(browser, lab.url);
    await signIn(page, await aCode(service, 'viewer'));
    const other = await page.context().newPage();
    await other.goto(lab.url);
    await overview(other);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
    for (const tab of [page, other]) await tab.getByLabel('One-time code').waitFor();
    expect(await stored(page)).toBe(null);
    expect((await service.client.call('device.list', {})).devices).toEqual([]);
  });

  it('says that it is signed out once its device was revoked elsewhere', async () => {
    const { lab, service } = await served();
    const { page } = await openPage(browser, lab.url);
    await signIn(page, await aCode(service), 'Lost phone');
    await service.client.call('device.revoke', { device: 'Lost phone' });
    await page.getByText('This browser is signed out.').waitFor();
    expect(await stored(page)).toBe(null);
  });

  it('lets an admin pair another browser and revoke it', async () => {
    const { lab, service } = await served();
    const { page } = await openPage(browser, lab.url);
    await signIn(page, await aCode(service), 'Desk');
    await page.getByRole('link', { name: 'Devices' }).click();
    await page.getByLabel('What it may do').selectOption('viewer');
    await page.getByRole('button', { name: 'Make a code' }).click();
    const link = (await page.getByRole('button', { name: /#pair=/ }).textContent()) ?? '';
    const { page: phone } = await openPage(browser, link);
    await phone.getByLabel('Name of this browser').fill('Phone');
    await phone.getByRole('button', { name: 'Sign in' }).click();
    await overview(phone);
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByRole('button', { name: 'Revoke: Phone' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await phone.getByText('This browser is signed out.').waitFor();
    await page.getByRole('button', { name: 'Revoke: Phone' }).waitFor({ state: 'detached' });
  });

  it('offers a page that an update has overtaken to be loaded again', async () => {
    const { lab, service } = await served();
    const { page } = await openPage(browser, lab.url);
    await signIn(page, await aCode(service));
    expect(await page.getByRole('button', { name: 'Reload this page' }).count()).toBe(0);
    // As if it had been loaded before the update; an answer of another server could not speak to one on this machine.
    await page.addInitScript(() => {
      if (sessionStorage.getItem('old') !== 'yes') return;
      new MutationObserver(() => {
        document.querySelector('meta[name="opus-version"]')?.setAttribute('content', '0.0.1');
      }).observe(document, { childList: true, subtree: true });
    });
    await page.evaluate(() => {
      sessionStorage.setItem('old', 'yes');
    });
    await page.reload();
    await page.getByText('and this page is of version 0.0.1').waitFor();
    await page.evaluate(() => {
      sessionStorage.removeItem('old');
    });
    await page.getByRole('button', { name: 'Reload this page' }).click();
    await page.getByText('and this page is of version 0.0.1').waitFor({ state: 'detached' });
    await overview(page);
  });
});
