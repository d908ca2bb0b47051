import { ItemView, type Menu, type Plugin, type ViewStateResult, type WorkspaceLeaf } from 'obsidian';
import type { ViewHost, ViewName } from '../../shared/view/host.ts';

export type Mount = (element: HTMLElement, host: ViewHost, job: string | null) => () => void;

export interface ViewDefinition {
  readonly name: ViewName;
  readonly title: string;
  readonly icon: string;
  /** Beside the notes rather than among them. */
  readonly isSide: boolean;
  readonly mount: Mount;
}

export function viewType(name: ViewName): string {
  return `opus-orchestrator-${name}`;
}

/** One of the shared views in a leaf. Which job it is about is a part of its state, so that it is there again after a restart. */
class OpusView extends ItemView {
  private readonly definition: ViewDefinition;
  private readonly host: ViewHost;
  private job: string | null = null;
  private unmount: (() => void) | null = null;

  constructor(leaf: WorkspaceLeaf, definition: ViewDefinition, host: ViewHost) {
    super(leaf);
    this.definition = definition;
    this.host = host;
    this.icon = definition.icon;
    this.navigation = !definition.isSide;
  }

  override getViewType(): string {
    return viewType(this.definition.name);
  }

  override getDisplayText(): string {
    return this.job === null ? this.definition.title : `${this.definition.title} of ${this.job}`;
  }

  override getState(): Record<string, unknown> {
    return { ...super.getState(), job: this.job };
  }

  override async setState(state: unknown, result: ViewStateResult): Promise<void> {
    const job = (state as { job?: unknown } | null)?.job;
    const next = typeof job === 'string' && job !== '' ? job : null;
    const isOther = next !== this.job;
    this.job = next;
    if (isOther && this.unmount) this.draw();
    await super.setState(state, result);
  }

  override onPaneMenu(menu: Menu, source: string): void {
    super.onPaneMenu(menu, source);
    const { openNote } = this.host;
    const job = this.job === null ? undefined : this.host.client.state().jobs.get(this.job);
    if (!job || !openNote) return;
    menu.addItem((item) =>
      item
        .setTitle(`Open the note of ${job.fr}`)
        .setIcon('file-text')
        .onClick(() => {
          openNote(job.notePath);
        }),
    );
    menu.addItem((item) =>
      item
        .setTitle('Open the run report')
        .setIcon('scroll-text')
        .onClick(() => {
          openNote(job.reportPath);
        }),
    );
  }

  protected override onOpen(): Promise<void> {
    this.contentEl.addClass('opus-view');
    this.draw();
    return Promise.resolve();
  }

  protected override onClose(): Promise<void> {
    this.unmount?.();
    this.unmount = null;
    this.contentEl.empty();
    return Promise.resolve();
  }

  private draw(): void {
    this.unmount?.();
    this.contentEl.empty();
    this.unmount = this.definition.mount(this.contentEl, this.host, this.job);
  }
}

/** Returns how to open one of them. */
export function registerViews(
  plugin: Plugin,
  definitions: readonly ViewDefinition[],
  host: ViewHost,
): (name: ViewName, job?: string) => Promise<void> {
  for (const definition of definitions) {
    plugin.registerView(viewType(definition.name), (leaf) => new OpusView(leaf, definition, host));
  }
  const { workspace } = plugin.app;
  return async (name, job) => {
    const type = viewType(name);
    if (definitions.find((definition) => definition.name === name)?.isSide === true) {
      await workspace.ensureSideLeaf(type, 'right', { active: true, reveal: true });
      return;
    }
    const leaf = workspace.getLeavesOfType(type)[0] ?? workspace.getLeaf('tab');
    // A leaf that has not been looked at since the start has no view yet; its state is loaded with it.
    await leaf.loadIfDeferred();
    await leaf.setViewState({ type, active: true, state: { job: job ?? null } });
    await workspace.revealLeaf(leaf);
  };
}
