import * as codeMirrorState from '@codemirror/state';
import * as codeMirrorView from '@codemirror/view';
import { createApp, type App, type AppOptions } from './app.ts';
import { bridge, type Entry } from './bridge.ts';
import { extendPrototypes } from './dom.ts';
import { CommandPalette } from './palette.ts';
import { obsidianModule } from './obsidian-module.ts';
import { createPlatform } from './platform.ts';
import type { Manifest, Plugin } from './plugin.ts';
import { refuse } from './strict.ts';

export interface PageOptions extends AppOptions {
  readonly isMobile: boolean;
  readonly plugin: { readonly code: string; readonly manifest: Manifest; readonly folder: string };
}

/** What the program that drives the page may do besides what a person does. */
export interface HostPage {
  /** Milliseconds that the plugin's `onload` took. */
  open(options: PageOptions): Promise<number>;
  /** The vault's folder changed; so may the configuration folder have. */
  synchronize(entries: readonly Entry[]): void;
  /** A link was opened, as by the system. */
  openUrl(url: string): void;
  /** On a phone it is pulled down. */
  openPalette(): void;
  /** Opens a note at a place of its own, as a person does with a click in the explorer. */
  openNote(path: string, mode: 'source' | 'preview'): Promise<void>;
  /** The app is closed: what is open ends, as far as it still can. */
  quit(): Promise<void>;
}

let app: App;
let plugin: Plugin;

const page: HostPage = {
  async open(options) {
    extendPrototypes();
    const platform = createPlatform(options.isMobile);
    app = createApp(options, platform);
    app.vault.$synchronize(await bridge.list());
    // The notes' properties are known before any plugin is loaded.
    await Promise.all(app.vault.getFiles().map((file) => app.metadataCache.$update(file)));
    const { code, manifest, folder } = options.plugin;
    const PluginClass = load(code, { obsidian: obsidianModule(platform), ...codeMirror });
    const created = new PluginClass(app, { ...manifest, dir: folder });
    plugin = created;
    const began = performance.now();
    created.$isLoaded = true;
    await created.onload();
    const took = performance.now() - began;
    await app.workspace.ensureSideLeaf('file-explorer', 'left', { reveal: !options.isMobile });
    await app.workspace.$restore();
    return took;
  },
  synchronize(entries) {
    app.vault.$synchronize(entries);
    void plugin.$lookAtData();
  },
  openUrl(url) {
    app.$openUrl(url);
  },
  openPalette() {
    new CommandPalette(app).open();
  },
  async openNote(path, mode) {
    const file = app.vault.getFileByPath(path) ?? refuse(`There is no note ${path}.`);
    await app.workspace.getLeaf(false).openFile(file, { state: { mode } });
  },
  async quit() {
    app.workspace.trigger('quit', { add: () => undefined });
    const editor = app.workspace.activeEditor;
    await editor?.save();
    plugin.unload();
  },
};

const codeMirror = { '@codemirror/state': codeMirrorState, '@codemirror/view': codeMirrorView };

type Loaded = { default: new (app: App, manifest: Manifest) => Plugin };

/** As Obsidian runs a plugin on a phone: whatever else it requires is not there. */
function load(code: string, modules: Readonly<Record<string, unknown>>): Loaded['default'] {
  const module = { exports: {} };
  const require = (name: string): unknown => modules[name] ?? refuse(`The plugin requires ${name}.`);
  const run = Reflect.construct(Function, ['module', 'exports', 'require', `${code}\n//# sourceURL=plugin.js`]) as (
    module: object,
    exports: object,
    require: (name: string) => unknown,
  ) => void;
  run(module, module.exports, require);
  return (module.exports as Loaded).default;
}

Object.assign(window, { opusHost: page });
