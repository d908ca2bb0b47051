import { Component, type Events } from './events.ts';
import { Editor } from './editor.ts';
import type { TFile } from './files.ts';
import type { WorkspaceLeaf } from './leaf.ts';
import { renderMarkdown } from './markdown.ts';
import { Menu } from './menu.ts';
import { mergeThreeWay } from './merge.ts';
import { ItemView } from './views.ts';

/** After which what is typed is in the file. */
const saveAfter = 2_000;

export class MarkdownView extends ItemView {
  file: TFile | null = null;
  data = '';
  readonly editor: Editor;
  readonly hoverPopover = null;
  override icon = 'file-text';
  override navigation = true;
  readonly $source: HTMLElement;
  readonly $reading: HTMLElement;
  $mode: 'source' | 'preview' = 'source';
  $isDirty = false;
  $saveTimer = 0;
  $rendered: Component | null = null;

  constructor(leaf: WorkspaceLeaf) {
    super(leaf);
    this.$source = this.contentEl.createDiv('markdown-source-view mod-cm6 is-live-preview');
    this.$reading = this.contentEl
      .createDiv('markdown-reading-view')
      .createDiv('markdown-preview-view markdown-rendered');
    this.editor = new Editor({
      parent: this.$source,
      info: this,
      extensions: () => this.app.$editorExtensions,
      onEdit: () => {
        this.$isDirty = true;
        this.app.workspace.trigger('editor-change', this.editor, this);
        this.requestSave();
      },
    });
    this.$source.addEventListener('contextmenu', (event) => {
      this.$openEditorMenu(event);
    });
    this.$reading.addEventListener('contextmenu', (event) => {
      const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a.external-link') : null;
      if (link) this.$openUrlMenu(new Menu(), link.href, event);
    });
    this.contentEl.addEventListener('click', (event) => {
      this.$follow(event);
    });
    const vault: Events = this.app.vault;
    this.registerEvent(
      vault.on('modify', (file: TFile) => {
        if (file === this.file) void this.$reload();
      }),
    );
    this.registerEvent(
      vault.on('delete', (file: TFile) => {
        if (file === this.file) this.leaf.detach();
      }),
    );
  }

  getViewType(): string {
    return 'markdown';
  }

  getDisplayText(): string {
    return this.file?.basename ?? 'No file';
  }

  getMode(): 'source' | 'preview' {
    return this.$mode;
  }

  getViewData(): string {
    return this.editor.getValue();
  }

  setViewData(data: string, _clear: boolean): void {
    this.data = data;
    this.editor.$replace(data);
    void this.$render();
  }

  override getState(): Record<string, unknown> {
    return { file: this.file?.path ?? null, mode: this.$mode, source: false };
  }

  override async setState(state: unknown): Promise<void> {
    const { file, mode } = state as { file?: string; mode?: 'source' | 'preview' };
    if (mode) this.$mode = mode;
    if (file !== undefined && file !== this.file?.path) {
      await this.save();
      this.file = this.app.vault.getFileByPath(file);
      if (this.file) this.setViewData(await this.app.vault.read(this.file), true);
      this.$isDirty = false;
    }
    this.$showMode();
  }

  override setEphemeralState(state: unknown): void {
    const { line } = (state ?? {}) as { line?: number };
    if (line === undefined) return;
    this.editor.setCursor(line);
    this.editor.scrollIntoView({ from: { line, ch: 0 }, to: { line, ch: 0 } });
    if (this.$mode === 'source') this.editor.focus();
  }

  override async onClose(): Promise<void> {
    await this.save();
    this.$rendered?.unload();
    this.editor.$view.destroy();
  }

  override onPaneMenu(menu: Menu, source: string): void {
    if (this.file) this.app.workspace.trigger('file-menu', menu, this.file, source, this.leaf);
  }

  readonly requestSave = (): void => {
    window.clearTimeout(this.$saveTimer);
    this.$saveTimer = window.setTimeout(() => void this.save(), saveAfter);
  };

  /**
   * What somebody else wrote since it was read stays. Obsidian itself sees that by an event and has a moment before it in
   * which it writes over it; a test of that would be decided by chance.
   */
  async save(): Promise<void> {
    window.clearTimeout(this.$saveTimer);
    const { file } = this;
    if (!file || !this.$isDirty) return;
    this.$isDirty = false;
    const base = this.data;
    let shown = this.editor.getValue();
    const written = await this.app.vault.process(file, (stored) => {
      shown = this.editor.getValue();
      return mergeThreeWay(base, shown, stored);
    });
    this.$take(shown, written);
  }

  async $reload(): Promise<void> {
    if (!this.file) return;
    const stored = await this.app.vault.read(this.file).catch(() => this.data);
    if (stored === this.data) return;
    this.$take(this.data, stored);
    await this.$render();
  }

  /** What was typed since `base` was shown stays in the editor. */
  $take(base: string, stored: string): void {
    this.editor.$replace(mergeThreeWay(base, this.editor.getValue(), stored));
    this.data = stored;
  }

  $toggleMode(): void {
    this.$mode = this.$mode === 'source' ? 'preview' : 'source';
    this.$showMode();
    this.app.workspace.$changed();
  }

  $showMode(): void {
    this.$source.toggle(this.$mode === 'source');
    this.$reading.parentElement?.toggle(this.$mode === 'preview');
    void this.$render();
  }

  async $render(): Promise<void> {
    this.$rendered?.unload();
    this.$rendered = null;
    this.$reading.empty();
    if (this.$mode !== 'preview' || !this.file) return;
    const component = new Component();
    component.load();
    this.$rendered = component;
    // Of its own, so that what is drawn again meanwhile does not stand in it twice.
    const element = this.$reading.createDiv('markdown-preview-sizer');
    await renderMarkdown(this.app, this.editor.getValue(), element, this.file.path, component);
  }

  $reconfigure(): void {
    this.editor.$reconfigure();
  }

  override $focus(): void {
    if (this.$mode === 'source') this.editor.focus();
    else this.contentEl.focus();
  }

  $openEditorMenu(event: MouseEvent): void {
    const menu = new Menu();
    const offset = this.editor.$view.posAtCoords({ x: event.clientX, y: event.clientY });
    if (offset !== null) {
      const { text, from } = this.editor.$view.state.doc.lineAt(offset);
      const url = [...text.matchAll(/https?:\/\/[^\s<>"')\]]+/g)].find(
        (found) => from + found.index <= offset && offset <= from + found.index + found[0].length,
      )?.[0];
      if (url !== undefined) this.app.workspace.trigger('url-menu', menu, url);
    }
    this.app.workspace.trigger('editor-menu', menu, this.editor, this);
    menu.showAtMouseEvent(event);
  }

  $openUrlMenu(menu: Menu, url: string, event: MouseEvent): void {
    this.app.workspace.trigger('url-menu', menu, url);
    menu.showAtMouseEvent(event);
  }

  $follow(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a') : null;
    if (!link || event.defaultPrevented) return;
    event.preventDefault();
    const internal = link.getAttribute('data-href');
    if (internal !== null) void this.app.workspace.openLinkText(internal, this.file?.path ?? '');
    else this.app.$openUrl(link.href);
  }
}
