import type { App } from './app.ts';
import { Component } from './events.ts';
import { setIcon } from './icons.ts';
import type { Scope } from './keymap.ts';
import { Menu } from './menu.ts';
import { setTooltip } from './tooltip.ts';
import type { WorkspaceLeaf } from './leaf.ts';

export abstract class View extends Component {
  readonly app: App;
  readonly leaf: WorkspaceLeaf;
  readonly containerEl = createDiv('workspace-leaf-content');
  icon = 'file';
  navigation = false;
  scope: Scope | null = null;

  constructor(leaf: WorkspaceLeaf) {
    super();
    this.leaf = leaf;
    this.app = leaf.$app;
  }

  onOpen(): Promise<void> | void {
    return undefined;
  }

  onClose(): Promise<void> | void {
    return undefined;
  }

  abstract getViewType(): string;
  abstract getDisplayText(): string;

  getState(): Record<string, unknown> {
    return {};
  }

  setState(_state: unknown, _result: { history: boolean }): Promise<void> | void {
    return undefined;
  }

  getEphemeralState(): Record<string, unknown> {
    return {};
  }

  setEphemeralState(_state: unknown): void {
    return undefined;
  }

  getIcon(): string {
    return this.icon;
  }

  onResize(): void {
    return undefined;
  }

  onPaneMenu(_menu: Menu, _source: string): void {
    return undefined;
  }

  $focus(): void {
    this.containerEl.focus();
  }
}

export abstract class ItemView extends View {
  readonly contentEl: HTMLElement;
  readonly $title: HTMLElement;
  readonly $actions: HTMLElement;

  constructor(leaf: WorkspaceLeaf) {
    super(leaf);
    const header = this.containerEl.createDiv('view-header');
    this.$title = header.createDiv('view-header-title');
    this.$actions = header.createDiv('view-actions');
    this.contentEl = this.containerEl.createDiv('view-content');
    this.contentEl.tabIndex = -1;
    this.addAction('ellipsis-vertical', 'More options', (event) => {
      const menu = new Menu();
      this.onPaneMenu(menu, 'more-options');
      menu.showAtMouseEvent(event);
    });
  }

  override onload(): void {
    this.containerEl.setAttribute('data-type', this.getViewType());
  }

  addAction(icon: string, title: string, callback: (event: MouseEvent) => unknown): HTMLElement {
    const action = createEl('button', { cls: 'clickable-icon view-action' });
    this.$actions.prepend(action);
    setIcon(action, icon);
    setTooltip(action, title);
    action.addEventListener('click', (event) => void callback(event));
    return action;
  }

  override $focus(): void {
    this.contentEl.focus();
  }
}

/** Stands for a view that nobody looks at yet. */
export class DeferredView extends View {
  readonly $type: string;
  $state: Record<string, unknown>;

  constructor(leaf: WorkspaceLeaf, type: string, state: Record<string, unknown>) {
    super(leaf);
    this.$type = type;
    this.$state = state;
  }

  getViewType(): string {
    return this.$type;
  }

  getDisplayText(): string {
    return 'Plugin no longer active';
  }

  override getState(): Record<string, unknown> {
    return this.$state;
  }
}
