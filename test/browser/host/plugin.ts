import type { Extension } from '@codemirror/state';
import type { App } from './app.ts';
import type { BasesRegistration } from './bases.ts';
import { bridge } from './bridge.ts';
import { Component } from './events.ts';
import { setIcon } from './icons.ts';
import type { WorkspaceLeaf } from './leaf.ts';
import type { CodeBlockHandler, PostProcessor } from './markdown.ts';
import type { Command } from './palette.ts';
import type { SettingTab } from './setting-tab.ts';
import { setTooltip } from './tooltip.ts';
import type { View } from './views.ts';

export interface Manifest {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly minAppVersion: string;
  dir?: string;
}

export abstract class Plugin extends Component {
  readonly app: App;
  readonly manifest: Manifest;
  settings?: unknown;
  onExternalSettingsChange?(): unknown;
  /** What was read or written last, to tell a change from elsewhere. */
  $data: string | null = null;

  constructor(app: App, manifest: Manifest) {
    super();
    this.app = app;
    this.manifest = manifest;
  }

  addRibbonIcon(icon: string, title: string, callback: (event: MouseEvent) => unknown): HTMLElement {
    const element = this.app.$ribbon.createEl('button', { cls: 'clickable-icon side-dock-ribbon-action' });
    setIcon(element, icon);
    setTooltip(element, title);
    element.addEventListener('click', (event) => void callback(event));
    return this.$until(element);
  }

  addStatusBarItem(): HTMLElement {
    return this.$until(this.app.$statusBar.createDiv(`status-bar-item plugin-${this.manifest.id}`));
  }

  addCommand(command: Command): Command {
    const full = {
      ...command,
      id: `${this.manifest.id}:${command.id}`,
      name: `${this.manifest.name}: ${command.name}`,
    };
    this.app.$commands.set(full.id, full);
    this.register(() => this.app.$commands.delete(full.id));
    return full;
  }

  removeCommand(id: string): void {
    this.app.$commands.delete(`${this.manifest.id}:${id}`);
  }

  addSettingTab(tab: SettingTab): void {
    tab.update();
    this.app.$settingTabs.push({ name: this.manifest.name, tab });
  }

  registerView(type: string, creator: (leaf: WorkspaceLeaf) => View): void {
    this.app.$viewCreators.set(type, creator);
    this.register(() => this.app.$viewCreators.delete(type));
  }

  registerMarkdownPostProcessor(processor: PostProcessor, sortOrder?: number): PostProcessor {
    if (sortOrder !== undefined) processor.sortOrder = sortOrder;
    this.app.$postProcessors.add(processor);
    this.register(() => this.app.$postProcessors.delete(processor));
    return processor;
  }

  registerMarkdownCodeBlockProcessor(language: string, handler: CodeBlockHandler): void {
    this.app.$codeBlocks.set(language, handler);
    this.register(() => this.app.$codeBlocks.delete(language));
  }

  registerEditorExtension(extension: Extension): void {
    this.app.$editorExtensions.push(extension);
    this.app.workspace.updateOptions();
  }

  registerObsidianProtocolHandler(action: string, handler: (parameters: Record<string, string>) => unknown): void {
    this.app.$protocolHandlers.set(action, handler);
    this.register(() => this.app.$protocolHandlers.delete(action));
  }

  /** False where the core plugin is off. */
  registerBasesView(id: string, registration: BasesRegistration): boolean {
    if (!this.app.$options.bases) return false;
    this.app.$basesViews.set(id, registration);
    return true;
  }

  registerCliHandler(): void {
    // Nothing of the page can be called from a terminal.
  }

  registerHoverLinkSource(): void {
    // There is no preview on hovering.
  }

  async loadData(): Promise<unknown> {
    const exists = await bridge.exists(this.$file);
    this.$data = exists ? await bridge.read(this.$file) : null;
    return this.$data === null ? null : (JSON.parse(this.$data) as unknown);
  }

  async saveData(data: unknown): Promise<void> {
    this.$data = JSON.stringify(data, null, 2);
    await bridge.write(this.$file, this.$data);
  }

  onUserEnable(): void {
    return undefined;
  }

  get $file(): string {
    return `${this.manifest.dir ?? ''}/data.json`;
  }

  /** The file was changed from elsewhere, as by a sync. */
  async $lookAtData(): Promise<void> {
    if (!this.onExternalSettingsChange || !(await bridge.exists(this.$file))) return;
    const text = await bridge.read(this.$file);
    if (text === this.$data) return;
    this.$data = text;
    this.onExternalSettingsChange();
  }

  $until(element: HTMLElement): HTMLElement {
    this.register(() => {
      element.remove();
    });
    return element;
  }
}
