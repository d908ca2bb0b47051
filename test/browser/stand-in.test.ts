import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createDevice, type Device } from '../support/browser/device.ts';
import { useBrowser } from '../support/browser/obsidian-page.ts';
import { invented } from './host/conformance.ts';

const browser = useBrowser();

/** A plugin whose `onload` does this. */
const doing = (what: string): string =>
  `const obsidian = require('obsidian'); module.exports.default = class extends obsidian.Plugin { async onload() { ${what} } };`;

async function tell(code: string): Promise<Device> {
  const vault = mkdtempSync(join(tmpdir(), 'stand-in-'));
  writeFileSync(join(vault, 'Note.md'), 'Text\n');
  const device = await createDevice(browser(), { vault, runnerUrl: 'http://127.0.0.1:1', code });
  onTestFinished(async () => {
    await device.context.close();
    rmSync(vault, { recursive: true });
  });
  await device.open().catch(() => undefined);
  return device;
}

it.each([
  ['a module that a phone has not', "require('node:fs')", 'The plugin requires node:fs.'],
  [
    'a class that there is not',
    'new obsidian.PopoverSuggest()',
    'The stand-in has no module obsidian,.PopoverSuggest.',
  ],
  [
    'what is no part of the app, even when that is caught',
    'try { this.app.plugins } catch {}',
    'The stand-in has no App.plugins.',
  ],
  ['what the vault has not', 'this.app.vault.exists("Note.md")', 'The stand-in has no Vault.exists.'],
  [
    'an icon that there is not',
    "this.addRibbonIcon('no-such-icon', 'Title', () => {})",
    'There is no icon no-such-icon.',
  ],
  ['an error that nobody caught', "setTimeout(() => { throw new Error('late') })", 'Nobody caught: Error: late'],
  ['what is complained of', "console.error('complaint')", 'On the console: complaint'],
  [
    'a page elsewhere',
    "await fetch('http://example.test/').catch(() => {})",
    'The page asked for http://example.test/.',
  ],
  [
    'a picture elsewhere',
    "new Image().src = 'http://example.test/a.png'",
    'The page asked for http://example.test/a.png.',
  ],
  [
    'a request of the app elsewhere',
    "await obsidian.requestUrl('http://example.test/').catch(() => {})",
    'The page asked for http://example.test/.',
  ],
  ['a socket elsewhere', "new WebSocket('ws://127.0.0.1:9/')", 'A socket to ws://127.0.0.1:9/.'],
])('does not let pass: %s', async (_, what, problem) => {
  const { problems } = await tell(doing(what));
  await expect.poll(() => problems.join('\n')).toContain(problem);
});

it('has nothing to say of a plugin that keeps to what there is', async () => {
  const used = `this.addCommand({ id: 'a', name: 'A', callback: () => {} });
    const file = this.app.vault.getFileByPath('Note.md');
    await this.app.vault.process(file, (text) => text + 'More\\n');
    if (await this.app.vault.read(file) !== 'Text\\nMore\\n') throw new Error('not written');`;
  expect((await tell(doing(used))).problems).toEqual([]);
});

it('offers nothing that Obsidian does not declare', () => {
  expect(invented).toEqual({});
});
