import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as state from '@codemirror/state';
import * as view from '@codemirror/view';
import * as obsidian from 'obsidian';
import { App, type Plugin as PluginMock } from 'obsidian-test-mocks/obsidian';
import { beforeAll, expect, test, vi } from 'vitest';
import OpusOrchestratorPlugin from '../../plugin/main.ts';
import { FakeElement } from '../support/fake-element.ts';

const root = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'manifest.json'), 'utf8')) as obsidian.PluginManifest;

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

test('every action is a command, without the name of the plugin and without a hotkey', () => {
  const commands = [...mock.commands__.values()];
  const names = commands.map(({ name }) => name).join('\n');
  for (const word of [
    'sidebar',
    'board',
    'output',
    'Review',
    'trust|policy',
    'Dispatch',
    'Validate',
    'New FR',
    'Approve',
    'Request changes',
    'Reject',
    'Answer',
    'Retry',
    'Pause',
    'Resume',
    'Cancel',
    'Revert',
    'Pause everything',
    'Resume everything',
    'Pair',
    'Test the connection',
    'Copy how to pair',
  ]) {
    expect(names).toMatch(new RegExp(word));
  }
  expect(names).not.toMatch(/opus|orchestrator/i);
  expect(commands.filter(({ hotkeys }) => hotkeys !== undefined)).toEqual([]);
});

test('what concerns a job is not offered in a note that has none', () => {
  for (const id of ['approve', 'request-changes', 'reject', 'answer', 'retry', 'cancel', 'dispatch', 'pause-all']) {
    expect(mock.commands__.get(id)?.checkCallback?.(true)).toBe(false);
  }
});

test('the settings are declared, so that they can be searched', () => {
  expect(mock.settingTabs__).toHaveLength(1);
  const tab = mock.settingTabs__[0] as unknown as obsidian.PluginSettingTab;
  const groups = tab.getSettingDefinitions() as obsidian.SettingDefinitionGroup[];
  expect(groups.map(({ heading }) => heading)).toEqual(['Runner', 'Folders', 'Notices', 'Views']);
  const keys = groups.flatMap(({ items = [] }) =>
    items.flatMap((item) => ('control' in item && item.control.key) || []),
  );
  for (const key of keys) expect(tab.getControlValue(key), key).toBeDefined();
});

test('the manifest keeps the rules of the community list', () => {
  expect(manifest).toMatchObject({ id: 'opus-orchestrator', minAppVersion: '1.13.0', isDesktopOnly: false });
  expect(manifest.description).toMatch(/^.{20,249}\.$/);
  const versions = JSON.parse(readFileSync(join(root, 'versions.json'), 'utf8')) as Record<string, string>;
  expect(versions[manifest.version]).toBe(manifest.minAppVersion);
});

test('what is shipped loads with nothing but what Obsidian hands out', () => {
  const out = mkdtempSync(join(tmpdir(), 'build-'));
  execFileSync(process.execPath, ['esbuild.config.mjs', '--only', 'plugin', '--out', out], { cwd: root });
  const required: string[] = [];
  const module = { exports: {} as { default?: unknown } };
  const present: Readonly<Record<string, unknown>> = { obsidian, '@codemirror/state': state, '@codemirror/view': view };
  const load = (name: string): unknown => {
    required.push(name);
    if (!Object.hasOwn(present, name)) throw new Error(`${name} is not there on a phone`);
    return present[name];
  };
  // Obsidian loads a plugin the same way.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const run = new Function('module', 'exports', 'require', readFileSync(join(out, 'plugin/main.js'), 'utf8')) as (
    ...scope: unknown[]
  ) => void;
  run(module, module.exports, load);
  expect(new Set(required)).toEqual(new Set(Object.keys(present)));
  expect(Object.getPrototypeOf(module.exports.default)).toBe(obsidian.Plugin);
});
