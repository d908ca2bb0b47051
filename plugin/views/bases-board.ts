import { BasesView, type App, type Plugin, type QueryController } from 'obsidian';
import { featureRequestDocument } from '../../shared/protocol/board.ts';
import type { ViewHost } from '../../shared/view/host.ts';
import { mountBoard } from '../../shared/view/mount.tsx';
import type { FeatureNotes } from '../dispatch/feature-notes.ts';
import type { Settings } from '../stored-settings.ts';

export interface BasesBoardOptions {
  readonly plugin: Plugin;
  readonly host: ViewHost;
  readonly notes: FeatureNotes;
  readonly settings: () => Settings;
}

const boardType = 'opus-orchestrator-board';

/** The board as a view of a base, over the notes that the base chooses. Where bases are off, nothing is registered. */
export function registerBasesBoard(options: BasesBoardOptions): void {
  options.plugin.registerBasesView(boardType, {
    name: 'Triage board',
    icon: 'kanban',
    factory: (controller, element) => new BoardBasesView(controller, element, options),
  });
}

class BoardBasesView extends BasesView {
  override readonly type = boardType;
  declare app: App;
  private readonly element: HTMLElement;
  private readonly options: BasesBoardOptions;
  private unmount: (() => void) | null = null;
  private updates = 0;

  constructor(controller: QueryController, parent: HTMLElement, options: BasesBoardOptions) {
    super(controller);
    this.element = parent.createDiv({ cls: 'opus-view opus-bases' });
    this.options = options;
  }

  override onDataUpdated(): void {
    void this.draw();
  }

  override onunload(): void {
    this.updates += 1;
    this.unmount?.();
    this.element.remove();
  }

  private async draw(): Promise<void> {
    const { host, notes, settings } = this.options;
    const mine = (this.updates += 1);
    const files = notes.within(this.data.data.map(({ file }) => file));
    const read = await notes.validate(files);
    // A newer result, or the end of the view, came meanwhile.
    if (mine !== this.updates) return;
    const featureRequests = read.map((request) => featureRequestDocument.parse(request));
    this.unmount = mountBoard(this.element, host, { mode: settings().boardMode, featureRequests });
  }
}
