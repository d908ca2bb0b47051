import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { bridgeName, type Bridge } from '../../browser/host/bridge.ts';
import type { HostPage, PageOptions } from '../../browser/host/main.ts';
import type { Manifest } from '../../browser/host/plugin.ts';
import { builtPages } from './build-pages.ts';
import { findChromium } from './find-chromium.ts';
import { createVaultBridge, watchVault } from './vault-bridge.ts';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** As Obsidian for Android has it. */
const origin = 'http://localhost';
const pluginFolder = '.obsidian/plugins/opus-orchestrator';

export async function startChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null)
    throw new Error('There is no Chromium: apt-get install chromium, or name one in OPUS_CHROMIUM.');
  return await chromium.launch({ executablePath, args: flags });
}

export interface DeviceOptions {
  readonly vault: string;
  /** The only place that the page may speak to, such as `http://127.0.0.1:7717`. */
  readonly runnerUrl: string;
  readonly isMobile?: boolean;
  readonly isDark?: boolean;
  readonly bases?: boolean;
  readonly keepsSecrets?: boolean;
  /** In place of the built plugin. */
  readonly code?: string;
  readonly viewport?: { readonly width: number; readonly height: number };
}

/** A device with Obsidian on it: what it stores is its own and survives that Obsidian is closed. */
export interface Device {
  readonly context: BrowserContext;
  /** Opened outside of Obsidian, in order. */
  readonly openedOutside: readonly string[];
  /** What failed and what was asked of anybody but the runner. */
  readonly problems: string[];
  open(): Promise<ObsidianPage>;
}

export interface ObsidianPage {
  readonly page: Page;
  readonly onloadMs: number;
  /** By the palette, as a person does it. */
  command(name: string): Promise<void>;
  openUrl(url: string): Promise<void>;
  openNote(path: string, mode?: 'source' | 'preview'): Promise<void>;
  /** A note or folder in the file explorer. */
  file(path: string): Locator;
  /** The pane of a view that is seen. */
  view(type: string): Locator;
  menuItem(title: string | RegExp): Locator;
  notice(text: string | RegExp): Locator;
  /** The app is closed properly. */
  quit(): Promise<void>;
}

type HostWindow = Window & { opusHost: HostPage };

export async function createDevice(browser: Browser, options: DeviceOptions): Promise<Device> {
  const { vault, runnerUrl, isMobile = false, isDark = false } = options;
  const viewport = options.viewport ?? (isMobile ? { width: 390, height: 844 } : { width: 1280, height: 800 });
  const context = await browser.newContext({
    viewport,
    isMobile,
    hasTouch: isMobile,
    colorScheme: isDark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  context.setDefaultTimeout(15_000);
  // Chromium asks before a page may speak to its own machine; inside an app nobody does.
  await context.grantPermissions(['local-network-access', 'clipboard-read', 'clipboard-write'], { origin });
  const problems: string[] = [];
  const openedOutside: string[] = [];
  const check = (url: string): void => {
    const { host } = new URL(url);
    if (host === new URL(runnerUrl).host) return;
    problems.push(`The page asked for ${url}.`);
    throw new Error(`${url} is not the runner.`);
  };
  const bridge = createVaultBridge({
    vault,
    check,
    report: (problem) => problems.push(problem),
    openedOutside: (url) => openedOutside.push(url),
  });
  await context.exposeBinding(bridgeName, async (_, method: keyof Bridge, parameters: unknown[]) => {
    return await (bridge[method] as (...values: unknown[]) => Promise<unknown>)(...parameters);
  });
  await context.route('**/*', async (route) => {
    const url = route.request().url();
    const served = pageFiles[url.slice(origin.length)];
    if (url.startsWith(origin) && served) {
      await route.fulfill({ contentType: served.type, body: served.read() });
      return;
    }
    problems.push(`The page asked for ${url}.`);
    await route.abort();
  });
  async function open(): Promise<ObsidianPage> {
    const page = await context.newPage();
    page.on('pageerror', (error) => problems.push(`Nobody caught: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      // The browser itself tells of a connection that could not be made.
      const isOfBrowser = message.text().startsWith('WebSocket connection to');
      if (message.type() === 'error' && !isOfBrowser) problems.push(`On the console: ${message.text()}`);
    });
    page.on('websocket', (socket) => {
      if (new URL(socket.url()).host !== new URL(runnerUrl).host) problems.push(`A socket to ${socket.url()}.`);
    });
    await page.goto(`${origin}/`);
    const onloadMs = await page.evaluate(
      (pageOptions: PageOptions) => (window as unknown as HostWindow).opusHost.open(pageOptions),
      {
        isMobile,
        isDark,
        bases: options.bases ?? true,
        keepsSecrets: options.keepsSecrets ?? true,
        plugin: {
          code: options.code ?? readFileSync(join(builtPages, 'plugin/main.js'), 'utf8'),
          manifest: JSON.parse(readFileSync(join(builtPages, 'plugin/manifest.json'), 'utf8')) as Manifest,
          folder: pluginFolder,
        },
      },
    );
    const unwatch = watchVault(vault, `${pluginFolder}/data.json`, (changed) => {
      page
        .evaluate((entries) => {
          (window as unknown as HostWindow).opusHost.synchronize(entries);
        }, changed)
        // The page was closed in between.
        .catch(() => undefined);
    });
    page.on('close', unwatch);
    return {
      page,
      onloadMs,
      async command(name) {
        if (isMobile) {
          await page.evaluate(() => {
            (window as unknown as HostWindow).opusHost.openPalette();
          });
        } else await page.keyboard.press('Control+p');
        await page.locator('.prompt-input').fill(name);
        await page.locator('.suggestion-item.is-selected', { hasText: name }).waitFor();
        await page.keyboard.press('Enter');
      },
      openUrl: (url) =>
        page.evaluate((opened) => {
          (window as unknown as HostWindow).opusHost.openUrl(opened);
        }, url),
      openNote: (path, mode = 'source') =>
        page.evaluate((opened) => (window as unknown as HostWindow).opusHost.openNote(opened.path, opened.mode), {
          path,
          mode,
        }),
      file: (path) => page.locator(`.nav-files-container [data-path="${path}"]`),
      view: (type) => page.locator(`.workspace-leaf-content[data-type="${type}"]`),
      menuItem: (title) => page.locator('.menu .menu-item', { hasText: title }),
      notice: (text) => page.locator('.notice', { hasText: text }),
      async quit() {
        await page.evaluate(() => (window as unknown as HostWindow).opusHost.quit());
        await page.close();
      },
    };
  }

  return { context, openedOutside, problems, open };
}

const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Stand-in for Obsidian</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/obsidian-variables.css"><link rel="stylesheet" href="/host.css">
<link rel="stylesheet" href="/styles.css"></head><body><script src="/host.js"></script></body></html>`;

const built = (type: string, path: string) => ({ type, read: () => readFileSync(join(builtPages, path), 'utf8') });

const pageFiles: Readonly<Record<string, { readonly type: string; readonly read: () => string }>> = {
  '/': { type: 'text/html', read: () => html },
  '/host.js': built('text/javascript', 'host/host.js'),
  '/host.css': built('text/css', 'host/host.css'),
  '/obsidian-variables.css': built('text/css', 'host/obsidian-variables.css'),
  '/styles.css': built('text/css', 'plugin/styles.css'),
};
