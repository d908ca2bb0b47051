import { Platform, Plugin } from 'obsidian';
import { createRunnerClient } from '../shared/protocol/client/create-runner-client.ts';
import { onAppWakes } from './connection/app-wakes.ts';
import { browserPlatform } from '../shared/view/browser-platform.ts';
import { createPairingStore } from './connection/pairing-store.ts';
import { createPairingActions } from './connection/pairing.ts';
import { createRunnerConnection } from './connection/runner-connection.ts';
import { createDispatcher } from './dispatch/dispatch.ts';
import { createFeatureNotes } from './dispatch/feature-notes.ts';
import { registerDispatchMenus } from './dispatch/menus.ts';
import { registerCommands } from './commands.ts';
import { registerCodeBlock } from './notes/code-block.ts';
import { livePreviewCards } from './notes/live-preview-cards.ts';
import { registerReadingCards } from './notes/reading-cards.ts';
import { registerUrlMenu } from './notes/url-menu.ts';
import { tellOfEvents } from './notices.ts';
import { showStatus } from './status-bar.ts';
import { OpusSettingTab } from './settings.ts';
import { createSettingsStore } from './stored-settings.ts';
import { startVaultSide } from './vault/vault-side.ts';
import { registerBasesBoard } from './views/bases-board.ts';
import { viewDefinitions } from './views/definitions.ts';
import { registerViews } from './views/item-views.ts';
import { createObsidianHost, openNote } from './views/obsidian-host.ts';

export default class OpusOrchestratorPlugin extends Plugin {
  private readonly store = createSettingsStore(this);

  override onload(): void {
    const { app, store: settings } = this;
    const pairings = createPairingStore(app, Platform.isMobile ? 'Phone' : 'Desktop');
    const connection = createRunnerConnection((pairing) =>
      createRunnerClient({
        ...pairing,
        client: { name: this.manifest.id, version: this.manifest.version, kind: 'plugin' },
        platform: browserPlatform,
        appliesWrites: true,
      }),
    );
    const pairing = createPairingActions({
      app,
      store: pairings,
      connection,
      onChange: () => {
        settingTab.update();
      },
    });
    const settingTab = new OpusSettingTab({ plugin: this, settings, pairings, pairing, connection });
    const notes = createFeatureNotes({ app, folder: () => settings.current().featureFolder });
    const dispatcher = createDispatcher({
      app,
      connection,
      notes,
      openNote: (path, line) => void openNote(app, path, line),
    });
    const host = createObsidianHost({
      app,
      connection,
      dispatcher,
      openView: (name, job) => void openView(name, job),
      openPairing: () => void pairing.pairByForm(),
    });
    const openView = registerViews(this, viewDefinitions(settings.current), host);

    registerCommands({ plugin: this, host, notes, dispatcher, pairing, settings: settings.current });
    registerDispatchMenus({ plugin: this, notes, dispatcher });
    registerUrlMenu(this, host);
    registerReadingCards(this, host);
    registerCodeBlock(this, host);
    this.registerEditorExtension(livePreviewCards(host));
    registerBasesBoard({ plugin: this, host, notes, settings: settings.current });
    tellOfEvents({ plugin: this, connection, host, settings: settings.current });
    showStatus(this, connection, () => void openView('sidebar'));
    this.registerObsidianProtocolHandler('opus-orchestrator', (params) => void pairing.pairByLink(params));
    this.addSettingTab(settingTab);
    this.addRibbonIcon('workflow', 'Open the runner sidebar', () => void openView('sidebar'));
    this.register(() => {
      connection.close();
    });
    app.workspace.onLayoutReady(() => {
      void settings.load();
      onAppWakes(this, () => {
        connection.wake();
      });
      this.register(startVaultSide(this, connection));
      connection.use(pairings.load());
    });
  }

  override async onExternalSettingsChange(): Promise<void> {
    await this.store.load();
  }
}
