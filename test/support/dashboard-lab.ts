import { appendFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { prepareDemoFolder } from '../../runner/cli/demo-folder.ts';
import type { Role } from '../../shared/protocol/roles.ts';
import { findChromium } from './browser/find-chromium.ts';
import { startService, type ServiceProcess } from './service-process.ts';

const root = join(import.meta.dirname, '..', '..');
const pictures = process.env['OPUS_SCREENSHOTS'] === '1' ? join(root, 'docs', 'images') : null;

/** The example with a service of its own, always at the same address. */
export interface DashboardLab {
  readonly url: string;
  readonly config: string;
  readonly data: string;
  readonly vault: string;
  note(id: string): string;
  /** Starts the service, or starts it again. */
  serve(): Promise<ServiceProcess>;
}

export async function makeDashboardLab(extra = ''): Promise<DashboardLab> {
  const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  await prepareDemoFolder(folder);
  const port = await freePort();
  const config = join(folder, 'opus.yml');
  appendFileSync(config, `server: { port: ${port} }\npolling: { active: 200ms, idle: 200ms }\ntrust: auto\n${extra}`);
  const lab = { config, data: join(folder, '.opus'), vault: join(folder, 'vault') };
  return {
    ...lab,
    url: `http://127.0.0.1:${port}`,
    note: (id) => readFileSync(globSync(join(folder, `vault/10_features/*/${id}-*.md`))[0] ?? '', 'utf8'),
    serve: () => startService(lab),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('There is no free port.');
  return address.port;
}

export async function aCode(service: ServiceProcess, role: Role = 'admin'): Promise<string> {
  return (await service.client.call('pairing.create', { role })).code;
}

export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: findChromium() ?? 'chromium', args: ['--disable-gpu'] });
}

export interface OpenPage {
  readonly page: Page;
  /** Everything that it asked for. */
  readonly addresses: () => readonly string[];
  /** What its policy refused, and what it threw. */
  readonly complaints: () => readonly string[];
  /** Of what it did so far nothing counts. */
  readonly forgive: () => void;
}

/** A page as somebody's first, of which nothing is kept; what it may never do is looked at when the test ends. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  let addresses: string[] = [];
  let complaints: string[] = [];
  context.on('request', (request) => addresses.push(request.url()));
  context.on('weberror', (thrown) => complaints.push(String(thrown.error())));
  context.on('console', (message) => {
    if (message.text().startsWith('violation:')) complaints.push(message.text());
  });
  context.on('page', (page) => {
    page.on('websocket', (socket) => addresses.push(socket.url()));
  });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      console.error(`violation: ${violatedDirective} ${blockedURI}`);
    });
  });
  onTestFinished(async () => {
    await context.close();
    const { host } = new URL(url);
    expect(addresses.filter((address) => !address.startsWith('data:') && new URL(address).host !== host)).toEqual([]);
    expect(complaints).toEqual([]);
  });
  const page = await context.newPage();
  await page.goto(url);
  return {
    page,
    addresses: () => addresses,
    complaints: () => complaints,
    forgive() {
      addresses = [];
      complaints = [];
    },
  };
}

/** By typing the code, as a person does. */
export async function signIn(page: Page, code: string, name = 'A test'): Promise<void> {
  await page.getByLabel('One-time code').fill(code);
  await page.getByLabel('Name of this browser').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
}

export async function takePicture(page: Page, name: string): Promise<void> {
  if (pictures === null) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `dashboard-${name}.png`), animations: 'disabled' });
}
