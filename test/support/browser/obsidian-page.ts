import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { createDevice, startChromium, type Device, type DeviceOptions } from './device.ts';

export type { ObsidianPage } from './device.ts';

/** One browser for all tests of a file. */
export function useBrowser(): () => Browser {
  let browser: Browser | null = null;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
  });
  return () => {
    if (!browser) throw new Error('The browser is started before the tests.');
    return browser;
  };
}

/** A device for a test: nothing may fail on it unseen, and it speaks to the runner alone. */
export async function openDevice(browser: Browser, options: DeviceOptions): Promise<Device> {
  const device = await createDevice(browser, options);
  onTestFinished(async () => {
    await device.context.close();
    expect(device.problems).toEqual([]);
  });
  return device;
}
