import { TFile, TFolder, type TAbstractFile } from './files.ts';
import { Menu } from './menu.ts';
import { View } from './views.ts';

/** Files and folders, all unfolded. A key with Ctrl or Shift selects several; the menu is that of what is selected. */
export class FileExplorer extends View {
  override icon = 'folder-closed';
  readonly $list = this.containerEl.createDiv('nav-files-container');
  $selected = new Set<string>();

  override onload(): void {
    this.containerEl.setAttribute('data-type', this.getViewType());
    for (const name of ['create', 'delete', 'rename']) {
      this.registerEvent(
        this.app.vault.on(name, () => {
          this.$draw();
        }),
      );
    }
    this.$list.addEventListener('keydown', (event) => {
      this.$onKey(event);
    });
    this.$draw();
  }

  getViewType(): string {
    return 'file-explorer';
  }

  getDisplayText(): string {
    return 'Files';
  }

  override $focus(): void {
    this.$list.querySelector<HTMLElement>('[data-path]')?.focus();
  }

  $draw(): void {
    const focused = this.$list.contains(document.activeElement)
      ? document.activeElement?.getAttribute('data-path')
      : null;
    this.$list.empty();
    this.$drawFolder(this.app.vault.getRoot(), 0);
    if (typeof focused === 'string') this.$title(focused)?.focus();
  }

  $drawFolder(folder: TFolder, depth: number): void {
    const byName = (left: TAbstractFile, right: TAbstractFile): number => left.name.localeCompare(right.name);
    const folders = folder.children.filter((child) => child instanceof TFolder).sort(byName);
    const files = folder.children.filter((child) => child instanceof TFile).sort(byName);
    for (const child of folders) {
      this.$drawItem(child, child.name, 'nav-folder-title', depth);
      this.$drawFolder(child, depth + 1);
    }
    for (const child of files) this.$drawItem(child, child.basename, 'nav-file-title', depth);
  }

  $drawItem(file: TAbstractFile, name: string, cls: string, depth: number): void {
    const title = this.$list.createDiv({ cls: `tree-item-self ${cls}`, text: name, attr: { 'data-path': file.path } });
    title.tabIndex = 0;
    title.setCssProps({ 'padding-inline-start': `${8 + depth * 14}px` });
    title.toggleClass('is-selected', this.$selected.has(file.path));
    title.addEventListener('click', (event) => {
      if (event.ctrlKey || event.altKey) {
        this.$select(file.path);
        return;
      }
      this.$selectOnly([]);
      if (file instanceof TFile) void this.app.workspace.getLeaf(false).openFile(file);
    });
    title.addEventListener('contextmenu', (event) => {
      this.$openMenu(file, event);
    });
  }

  $openMenu(file: TAbstractFile, event: MouseEvent): void {
    const { workspace, vault } = this.app;
    const menu = new Menu();
    const source = 'file-explorer-context-menu';
    if (this.$selected.size > 1 && this.$selected.has(file.path)) {
      const files = [...this.$selected].flatMap((path) => vault.getAbstractFileByPath(path) ?? []);
      workspace.trigger('files-menu', menu, files, source, this.leaf);
    } else workspace.trigger('file-menu', menu, file, source, this.leaf);
    menu.showAtMouseEvent(event);
  }

  $select(path: string): void {
    const next = new Set(this.$selected);
    if (!next.delete(path)) next.add(path);
    this.$selectOnly([...next]);
  }

  $selectOnly(paths: readonly string[]): void {
    this.$selected = new Set(paths);
    for (const title of this.$list.querySelectorAll('[data-path]'))
      title.classList.toggle('is-selected', this.$selected.has(title.getAttribute('data-path') ?? ''));
  }

  $onKey(event: KeyboardEvent): void {
    const titles = [...this.$list.querySelectorAll<HTMLElement>('[data-path]')];
    const at = titles.indexOf(document.activeElement as HTMLElement);
    const path = titles[at]?.getAttribute('data-path') ?? '';
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const next = titles[at + (event.key === 'ArrowDown' ? 1 : -1)];
      if (event.shiftKey)
        this.$selectOnly([...new Set([...this.$selected, path, next?.getAttribute('data-path') ?? path])]);
      next?.focus();
    } else if (event.key === 'Enter') titles[at]?.click();
    else return;
    event.preventDefault();
  }

  $title(path: string): HTMLElement | null {
    return this.$list.querySelector<HTMLElement>(`[data-path="${CSS.escape(path)}"]`);
  }
}
