import type { App } from './app.ts';
import { Events } from './events.ts';
import type { TFile } from './files.ts';
import { WorkspaceLeaf, type ViewState } from './leaf.ts';
import { MarkdownView } from './markdown-view.ts';
import type { View } from './views.ts';
import { WorkspaceSide } from './workspace-side.ts';

type Kind<Made> = abstract new (...parameters: never[]) => Made;

interface SavedSide {
  readonly active: number;
  readonly leaves: readonly ViewState[];
  readonly collapsed: boolean;
}

export class Workspace extends Events {
  readonly containerEl: HTMLElement;
  readonly leftSplit: WorkspaceSide;
  readonly rootSplit: WorkspaceSide;
  readonly rightSplit: WorkspaceSide;
  layoutReady = false;
  activeLeaf: WorkspaceLeaf | null = null;
  readonly $app: App;
  readonly $onReady: (() => unknown)[] = [];

  constructor(app: App, container: HTMLElement, isMobile: boolean) {
    super();
    this.$app = app;
    this.containerEl = container.createDiv('workspace');
    this.leftSplit = new WorkspaceSide('left', this.containerEl, isMobile);
    this.rootSplit = new WorkspaceSide('root', this.containerEl, false);
    this.rightSplit = new WorkspaceSide('right', this.containerEl, true);
    document.addEventListener('focusin', ({ target }) => {
      this.iterateAllLeaves((leaf) => {
        if (leaf.$element.contains(target as Node)) this.setActiveLeaf(leaf);
      });
    });
  }

  get activeEditor(): MarkdownView | null {
    const view = this.activeLeaf?.view;
    return view instanceof MarkdownView ? view : null;
  }

  onLayoutReady(callback: () => unknown): void {
    if (this.layoutReady) callback();
    else this.$onReady.push(callback);
  }

  getLeaf(newLeaf: boolean | 'tab' | 'split' | 'window' = false): WorkspaceLeaf {
    const last = this.getMostRecentLeaf();
    if (newLeaf === false && last && !isOwn(last)) return last;
    return this.$leafIn(this.rootSplit);
  }

  getLeafById(id: string): WorkspaceLeaf | null {
    return this.$all().find((leaf) => leaf.$id === id) ?? null;
  }

  getMostRecentLeaf(root: WorkspaceSide = this.rootSplit): WorkspaceLeaf | null {
    return root.$active;
  }

  getLeftLeaf(_split: boolean): WorkspaceLeaf {
    return this.$leafIn(this.leftSplit);
  }

  getRightLeaf(_split: boolean): WorkspaceLeaf {
    return this.$leafIn(this.rightSplit);
  }

  async ensureSideLeaf(
    type: string,
    side: 'left' | 'right',
    options: { active?: boolean; split?: boolean; reveal?: boolean; state?: Record<string, unknown> } = {},
  ): Promise<WorkspaceLeaf> {
    const { active = false, reveal = true, state } = options;
    const split = side === 'left' ? this.leftSplit : this.rightSplit;
    const leaf = split.$leaves.find(({ view }) => view.getViewType() === type) ?? this.$leafIn(split);
    await leaf.setViewState({ type, ...(state && { state }) });
    if (reveal) await this.revealLeaf(leaf);
    if (active) this.setActiveLeaf(leaf, { focus: true });
    return leaf;
  }

  async revealLeaf(leaf: WorkspaceLeaf): Promise<void> {
    leaf.parent.$select(leaf);
    leaf.parent.expand();
    // On a phone one thing is seen at a time.
    if (this.$app.$platform.isMobile)
      for (const side of [this.leftSplit, this.rightSplit]) if (side !== leaf.parent) side.collapse();
    await leaf.loadIfDeferred();
    this.setActiveLeaf(leaf);
    this.$changed();
  }

  setActiveLeaf(leaf: WorkspaceLeaf, parameters: boolean | { focus?: boolean } = {}, focus = false): void {
    leaf.parent.$select(leaf);
    if (leaf.parent === this.rootSplit && this.$app.$platform.isMobile) {
      this.leftSplit.collapse();
      this.rightSplit.collapse();
    }
    const before = this.activeLeaf;
    this.activeLeaf = leaf;
    if (focus || (typeof parameters === 'object' && parameters.focus === true)) leaf.view.$focus();
    if (before !== leaf) this.trigger('active-leaf-change', leaf);
  }

  getActiveViewOfType<Made extends View>(type: Kind<Made>): Made | null {
    const view = this.activeLeaf?.view;
    return view instanceof type ? view : null;
  }

  /** Of the leaf in the middle that was active last, also while a sidebar is. */
  getActiveFile(): TFile | null {
    const own = this.activeLeaf?.view;
    if (own instanceof MarkdownView) return own.file;
    const last = this.getMostRecentLeaf()?.view;
    return last instanceof MarkdownView ? last.file : null;
  }

  getLeavesOfType(type: string): WorkspaceLeaf[] {
    return this.$all().filter(({ view }) => view.getViewType() === type);
  }

  detachLeavesOfType(type: string): void {
    for (const leaf of this.getLeavesOfType(type)) leaf.detach();
  }

  iterateAllLeaves(callback: (leaf: WorkspaceLeaf) => unknown): void {
    for (const leaf of this.$all()) callback(leaf);
  }

  iterateRootLeaves(callback: (leaf: WorkspaceLeaf) => unknown): void {
    for (const leaf of this.rootSplit.$leaves) callback(leaf);
  }

  async openLinkText(
    linktext: string,
    sourcePath: string,
    newLeaf: boolean | 'tab' | 'split' | 'window' = false,
    openState: Parameters<WorkspaceLeaf['openFile']>[1] = {},
  ): Promise<void> {
    const file = this.$app.metadataCache.getFirstLinkpathDest(linktext.split('#')[0] ?? '', sourcePath);
    // Obsidian makes the note that a link names and nobody has.
    const target = file ?? (await this.$app.vault.create(`${linktext}.md`, ''));
    await this.getLeaf(newLeaf).openFile(target, openState);
  }

  updateOptions(): void {
    this.iterateAllLeaves(({ view }) => {
      if (view instanceof MarkdownView) view.$reconfigure();
    });
  }

  handleLinkContextMenu(): boolean {
    return false;
  }

  requestSaveLayout(): void {
    this.$save();
  }

  $leafIn(side: WorkspaceSide): WorkspaceLeaf {
    return side.$leaves.find(({ view }) => view.getViewType() === 'empty') ?? new WorkspaceLeaf(this.$app, side);
  }

  $all(): WorkspaceLeaf[] {
    return [this.leftSplit, this.rootSplit, this.rightSplit].flatMap(({ $leaves }) => $leaves);
  }

  $changed(): void {
    this.trigger('layout-change');
    if (this.layoutReady) this.$save();
  }

  $save(): void {
    const layout = [this.rootSplit, this.rightSplit].map((side): SavedSide => ({
      active: side.$active ? side.$leaves.indexOf(side.$active) : -1,
      leaves: side.$leaves.map((leaf) => leaf.getViewState()),
      collapsed: side.collapsed,
    }));
    localStorage.setItem('layout', JSON.stringify(layout));
  }

  /** What was open comes back as it was: what nobody sees, as deferred. */
  async $restore(): Promise<void> {
    const saved = JSON.parse(localStorage.getItem('layout') ?? '[]') as readonly SavedSide[];
    for (const [at, side] of [this.rootSplit, this.rightSplit].entries()) {
      const { leaves = [], active = -1, collapsed = true } = saved[at] ?? {};
      const made = leaves
        .filter(({ type }) => type !== 'empty')
        .map(({ type, state }) => {
          const leaf = new WorkspaceLeaf(this.$app, side);
          leaf.$defer(type, state ?? {});
          return leaf;
        });
      const seen = made[active] ?? made[0];
      if (seen) side.$select(seen);
      if (side !== this.rootSplit && !collapsed) side.expand();
      if (seen && !side.collapsed) await seen.loadIfDeferred();
    }
    this.layoutReady = true;
    for (const callback of this.$onReady.splice(0)) callback();
  }
}

/** A note opens in place of a note or of nothing, never in place of a view. */
function isOwn({ view }: WorkspaceLeaf): boolean {
  return !['empty', 'markdown', 'bases'].includes(view.getViewType());
}
