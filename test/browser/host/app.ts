import type { Extension } from '@codemirror/state';
import { BasesFileView, type BasesRegistration } from './bases.ts';
import { bridge } from './bridge.ts';
import { Events } from './events.ts';
import { FileExplorer } from './explorer.ts';
import { Vault } from './files.ts';
import { Keymap, Scope } from './keymap.ts';
import type { WorkspaceLeaf } from './leaf.ts';
import { MarkdownView } from './markdown-view.ts';
import type { CodeBlockHandler, PostProcessor } from './markdown.ts';
import { FileManager, MetadataCache } from './metadata.ts';
import { CommandPalette, type Command } from './palette.ts';
import type { Platform } from './platform.ts';
import { SettingsModal, type SettingTab } from './setting-tab.ts';
import { strict } from './strict.ts';
import type { View } from './views.ts';
import { Workspace } from './workspace.ts';

export interface AppOptions {
  readonly bases: boolean;
  readonly isDark: boolean;
  /** Whether the system keeps secrets; without a keyring it does not. */
  readonly keepsSecrets: boolean;
}

class SecretStorage extends Events {
  readonly $works: boolean;

  constructor(works: boolean) {
    super();
    this.$works = works;
  }

  setSecret(id: string, secret: string): void {
    this.$check();
    if (!/^[a-z0-9-]+$/.test(id)) throw new Error(`Invalid secret ID: ${id}`);
    localStorage.setItem(`secret:${id}`, secret);
  }

  getSecret(id: string): string | null {
    this.$check();
    return localStorage.getItem(`secret:${id}`);
  }

  listSecrets(): string[] {
    this.$check();
    return Object.keys(localStorage).flatMap((key) => (key.startsWith('secret:') ? [key.slice(7)] : []));
  }

  $check(): void {
    if (!this.$works) throw new Error('Encryption is not available: no keyring was found.');
  }
}

export class App {
  readonly keymap = new Keymap();
  readonly scope = new Scope();
  readonly vault: Vault = strict('Vault', new Vault());
  readonly metadataCache: MetadataCache = strict('MetadataCache', new MetadataCache(this.vault));
  readonly fileManager: FileManager = strict('FileManager', new FileManager(this.vault));
  readonly secretStorage: SecretStorage;
  readonly renderContext = { hoverPopover: null };
  readonly lastEvent = null;
  workspace!: Workspace;
  readonly $options: AppOptions;
  readonly $platform: Platform;
  readonly $commands = new Map<string, Command>();
  readonly $viewCreators = new Map<string, (leaf: WorkspaceLeaf) => View>();
  readonly $postProcessors = new Set<PostProcessor>();
  readonly $codeBlocks = new Map<string, CodeBlockHandler>();
  readonly $editorExtensions: Extension[] = [];
  readonly $protocolHandlers = new Map<string, (parameters: Record<string, string>) => unknown>();
  readonly $basesViews = new Map<string, BasesRegistration>();
  readonly $settingTabs: { name: string; tab: SettingTab }[] = [];
  readonly $main = document.body.createDiv('app-container');
  readonly $ribbon = this.$main.createDiv('workspace-ribbon mod-left');
  readonly $statusBar = document.body.createDiv('status-bar');

  constructor(options: AppOptions, platform: Platform) {
    this.$options = options;
    this.$platform = platform;
    this.secretStorage = strict('SecretStorage', new SecretStorage(options.keepsSecrets));
    this.keymap.pushScope(this.scope);
  }

  isDarkMode(): boolean {
    return this.$options.isDark;
  }

  loadLocalStorage(key: string): unknown {
    return JSON.parse(localStorage.getItem(`local:${key}`) ?? 'null') as unknown;
  }

  saveLocalStorage(key: string, data: unknown): void {
    if (data === null) localStorage.removeItem(`local:${key}`);
    else localStorage.setItem(`local:${key}`, JSON.stringify(data));
  }

  /** A link that was clicked: Obsidian takes its own, the system the others. */
  $openUrl(url: string): void {
    if (!url.startsWith('obsidian://')) {
      void bridge.openOutside(url);
      return;
    }
    const { host, searchParams } = new URL(url.replace(/^obsidian:/, 'http:'));
    const handler = this.$protocolHandlers.get(host);
    if (!handler) throw new Error(`Nobody handles ${url}.`);
    void handler({ action: host, ...Object.fromEntries(searchParams) });
  }
}

/** All of Obsidian but its plugins; `open` fills it. */
export function createApp(options: AppOptions, platform: Platform): App {
  const plain = new App(options, platform);
  const app = strict('App', plain);
  plain.workspace = strict('Workspace', new Workspace(app, plain.$main, platform.isMobile));
  document.body.addClass(options.isDark ? 'theme-dark' : 'theme-light');
  document.body.toggleClass(['is-mobile', 'is-phone'], platform.isMobile);
  app.$viewCreators.set('markdown', (leaf) => new MarkdownView(leaf));
  app.$viewCreators.set('file-explorer', (leaf) => new FileExplorer(leaf));
  app.$viewCreators.set('bases', (leaf) => new BasesFileView(leaf));
  for (const command of coreCommands(app)) app.$commands.set(command.id, command);
  app.scope.register(['Mod'], 'p', () => {
    new CommandPalette(app).open();
    return false;
  });
  app.scope.register(['Mod'], 'e', () => {
    app.workspace.activeEditor?.$toggleMode();
    return false;
  });
  app.scope.register(['Mod'], ',', () => {
    new SettingsModal(app, app.$settingTabs).open();
    return false;
  });
  // window.open is what a plugin has for links of its own.
  window.open = (url) => {
    app.$openUrl(String(url));
    return null;
  };
  return app;
}

function coreCommands(app: App): Command[] {
  const { workspace } = app;
  return [
    {
      id: 'file-explorer:open',
      name: 'Files: Show file explorer',
      callback: async () => {
        await workspace.ensureSideLeaf('file-explorer', 'left', { active: true });
      },
    },
    {
      id: 'app:open-settings',
      name: 'Open settings',
      callback: () => {
        new SettingsModal(app, app.$settingTabs).open();
      },
    },
    {
      id: 'app:toggle-right-sidebar',
      name: 'Toggle right sidebar',
      callback: () => {
        workspace.rightSplit.toggle();
      },
    },
    {
      id: 'markdown:toggle-preview',
      name: 'Toggle reading view',
      checkCallback: (checking) => {
        const view = workspace.activeEditor;
        if (!checking) view?.$toggleMode();
        return view !== null;
      },
    },
  ];
}
