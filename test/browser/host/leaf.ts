import type { App } from './app.ts';
import { Events } from './events.ts';
import type { TFile } from './files.ts';
import { setIcon } from './icons.ts';
import { DeferredView, type View } from './views.ts';
import type { WorkspaceSide } from './workspace-side.ts';

export interface ViewState {
  readonly type: string;
  readonly state?: Record<string, unknown>;
  readonly active?: boolean;
  readonly pinned?: boolean;
}

interface OpenState {
  readonly state?: Record<string, unknown>;
  readonly eState?: Record<string, unknown>;
  readonly active?: boolean;
}

let made = 0;

export class WorkspaceLeaf extends Events {
  readonly $app: App;
  readonly $element = createDiv('workspace-leaf');
  readonly $tab = createEl('button', { cls: 'workspace-tab-header' });
  readonly $id = `leaf-${(made += 1)}`;
  parent: WorkspaceSide;
  view: View;
  hoverPopover = null;

  constructor(app: App, parent: WorkspaceSide) {
    super();
    this.$app = app;
    this.parent = parent;
    this.view = new DeferredView(this, 'empty', {});
    this.$tab.addEventListener('click', () => void app.workspace.revealLeaf(this));
    parent.$add(this);
  }

  get isDeferred(): boolean {
    return this.view instanceof DeferredView && this.view.$type !== 'empty';
  }

  async loadIfDeferred(): Promise<void> {
    if (this.isDeferred) await this.$show(this.view.getViewType(), this.view.getState());
  }

  getViewState(): ViewState {
    return { type: this.view.getViewType(), state: this.view.getState() };
  }

  async setViewState({ type, state, active }: ViewState, eState?: unknown): Promise<void> {
    if (type !== this.view.getViewType() || this.isDeferred) await this.$show(type, state ?? {});
    else if (state) await this.view.setState(state, { history: false });
    if (eState !== undefined) this.view.setEphemeralState(eState);
    if (active === true) this.$app.workspace.setActiveLeaf(this, { focus: true });
    this.$label();
    this.$app.workspace.$changed();
  }

  async openFile(file: TFile, openState: OpenState = {}): Promise<void> {
    const type = file.extension === 'base' ? 'bases' : 'markdown';
    const { state, eState, active } = openState;
    await this.setViewState({ type, state: { ...state, file: file.path }, active: active ?? true }, eState);
    this.$app.workspace.trigger('file-open', file);
  }

  async open(view: View): Promise<View> {
    await this.$replace(view);
    return view;
  }

  detach(): void {
    void this.$close();
    this.parent.$remove(this);
    this.$app.workspace.$changed();
  }

  getEphemeralState(): Record<string, unknown> {
    return this.view.getEphemeralState();
  }

  setEphemeralState(state: unknown): void {
    this.view.setEphemeralState(state);
  }

  getDisplayText(): string {
    return this.view.getDisplayText();
  }

  getIcon(): string {
    return this.view.getIcon();
  }

  setPinned(_pinned: boolean): void {
    return undefined;
  }

  onResize(): void {
    this.view.onResize();
  }

  $defer(type: string, state: Record<string, unknown>): void {
    this.view = new DeferredView(this, type, state);
    this.$label();
  }

  async $show(type: string, state: Record<string, unknown>): Promise<void> {
    const creator = this.$app.$viewCreators.get(type);
    // As Obsidian keeps the place of a view whose plugin is not there.
    if (!creator) {
      await this.$close();
      this.$defer(type, state);
      return;
    }
    const view = creator(this);
    await this.$replace(view);
    await view.setState(state, { history: false });
  }

  async $replace(view: View): Promise<void> {
    await this.$close();
    this.view = view;
    this.$element.replaceChildren(view.containerEl);
    view.load();
    await view.onOpen();
    this.$label();
  }

  async $close(): Promise<void> {
    const { view } = this;
    if (view instanceof DeferredView) return;
    this.view = new DeferredView(this, 'empty', {});
    await view.onClose();
    view.unload();
    view.containerEl.remove();
  }

  $label(): void {
    const name = this.isDeferred ? this.view.getViewType() : this.getDisplayText();
    this.$tab.empty();
    if (!(this.view instanceof DeferredView))
      setIcon(this.$tab.createSpan('workspace-tab-header-inner-icon'), this.getIcon());
    this.$tab.createSpan({ cls: 'workspace-tab-header-inner-title', text: name });
    const title = this.view.containerEl.querySelector('.view-header-title');
    if (title) title.textContent = name;
  }
}
