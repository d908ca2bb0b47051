import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import buildPages from '../support/browser/build-pages.ts';
import { createDevice, startChromium } from '../support/browser/device.ts';
import { root } from './installed.ts';
import { median, plainRow, type Row } from './measure.ts';

const times = 21;

/** The built plugin on the page that stands in for Obsidian, in a browser as cold as a start of the app leaves it. */
export async function pluginRows(): Promise<Row[]> {
  await buildPages();
  const folder = mkdtempSync(join(tmpdir(), 'opus-bench-plugin-'));
  cpSync(join(root, 'examples', 'vault'), folder, { recursive: true });
  const browser = await startChromium();
  const taken: number[] = [];
  try {
    for (let time = 0; time < times; time += 1) {
      const device = await createDevice(browser, { vault: folder, runnerUrl: 'http://127.0.0.1:7717' });
      taken.push((await device.open()).onloadMs);
      await device.context.close();
    }
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const most = Math.max(...taken);
  const what = `plugin: onload in Chromium, on a page that stands in for Obsidian (most ${most.toFixed(1)} ms of ${times})`;
  return [plainRow(what, 'ms', median(taken), 10)];
}
