import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as obsidian from 'obsidian';
import { App, type Plugin as PluginMock } from 'obsidian-test-mocks/obsidian';
import { beforeAll, expect, test, vi } from 'vitest';
import OpusOrchestratorPlugin from '../../plugin/main.ts';
import { OpusSettingTab } from '../../plugin/settings.ts';

const root = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'manifest.json'), 'utf8')) as obsidian.PluginManifest;

/** The little of an element that the mocks and the plugin touch. */
class FakeElement {
  textContent = '';
  readonly classes: string[] = [];
  createDiv(): FakeElement {
    return new FakeElement();
  }
  addClass(name: string): void {
    this.classes.push(name);
  }
  setText(text: string): void {
    this.textContent = text;
  }
}

let app: obsidian.App;
let plugin: OpusOrchestratorPlugin;
let mock: PluginMock;

beforeAll(() => {
  vi.stubGlobal('createDiv', () => new FakeElement());
  app = App.createConfigured__().asOriginalType__();
  plugin = new OpusOrchestratorPlugin(app, manifest);
  mock = plugin as unknown as PluginMock;
  plugin.onload();
});

test('the status bar says that there is no runner', () => {
  expect(mock.statusBarItems__.map((item) => item.textContent)).toEqual(['Opus: no runner']);
});

test('the command is there, without the name of the plugin and without a hotkey', () => {
  const [command] = [...mock.commands__.values()];
  expect(command).toMatchObject({ id: 'show-runner', name: 'Show the runner' });
  expect(command?.hotkeys).toBeUndefined();
  expect(() => void command?.callback?.()).not.toThrow();
});

test('the settings are declared, so that they can be searched', () => {
  expect(mock.settingTabs__).toHaveLength(1);
  const [row] = new OpusSettingTab(app, plugin).getSettingDefinitions();
  expect(row).toMatchObject({ name: 'Runner' });
});

test('the manifest keeps the rules of the community list', () => {
  expect(manifest).toMatchObject({ id: 'opus-orchestrator', minAppVersion: '1.13.0', isDesktopOnly: false });
  expect(manifest.description).toMatch(/^.{20,249}\.$/);
  const versions = JSON.parse(readFileSync(join(root, 'versions.json'), 'utf8')) as Record<string, string>;
  expect(versions[manifest.version]).toBe(manifest.minAppVersion);
});

test('what is shipped loads with nothing but obsidian', () => {
  const out = mkdtempSync(join(tmpdir(), 'build-'));
  execFileSync(process.execPath, ['esbuild.config.mjs', '--only', 'plugin', '--out', out], { cwd: root });
  const required: string[] = [];
  const module = { exports: {} as { default?: unknown } };
  const load = (name: string): unknown => {
    required.push(name);
    if (name !== 'obsidian') throw new Error(`${name} is not there on a phone`);
    return obsidian;
  };
  // Obsidian loads a plugin the same way.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const run = new Function('module', 'exports', 'require', readFileSync(join(out, 'plugin/main.js'), 'utf8')) as (
    ...scope: unknown[]
  ) => void;
  run(module, module.exports, load);
  expect(new Set(required)).toEqual(new Set(['obsidian']));
  expect(Object.getPrototypeOf(module.exports.default)).toBe(obsidian.Plugin);
});
