import { bridge, type Entry } from './bridge.ts';
import { Events } from './events.ts';

export class TAbstractFile {
  vault: Vault;
  path: string;
  name = '';
  parent: TFolder | null = null;

  constructor(vault: Vault, path: string) {
    this.vault = vault;
    this.path = path;
    this.$rename(path);
  }

  $rename(path: string): void {
    this.path = path;
    this.name = path.slice(path.lastIndexOf('/') + 1);
  }
}

export class TFile extends TAbstractFile {
  stat = { ctime: 0, mtime: 0, size: 0 };

  get extension(): string {
    const at = this.name.lastIndexOf('.');
    return at < 0 ? '' : this.name.slice(at + 1);
  }

  get basename(): string {
    return this.extension === '' ? this.name : this.name.slice(0, -this.extension.length - 1);
  }
}

export class TFolder extends TAbstractFile {
  children: TAbstractFile[] = [];

  isRoot(): boolean {
    return this.parent === null;
  }
}

export function normalizePath(path: string): string {
  const clean = path
    .replaceAll(/[\\/]+/g, '/')
    .replaceAll(/^\/|\/$/g, '')
    .replaceAll('\u00a0', ' ')
    .normalize('NFC');
  return clean === '' ? '/' : clean;
}

const folderOf = (path: string): string => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '/');

export class Vault extends Events {
  configDir = '.obsidian';
  readonly $files = new Map<string, TAbstractFile>();
  readonly $root: TFolder;
  $writing: Promise<unknown> = Promise.resolve();
  readonly adapter = {
    getName: (): string => this.getName(),
    exists: (path: string) => bridge.exists(path),
    read: (path: string) => bridge.read(path),
    write: async (path: string, text: string): Promise<void> => {
      this.$take(await bridge.write(path, text));
    },
    mkdir: async (path: string): Promise<void> => {
      this.$take(await bridge.makeFolder(path));
    },
    remove: async (path: string): Promise<void> => {
      await bridge.remove(path);
      this.$forget(path);
    },
    list: (path: string): Promise<{ files: string[]; folders: string[] }> => {
      const inside = this.getFolderByPath(path)?.children ?? [];
      const files = inside.filter((file) => file instanceof TFile).map((file) => file.path);
      return Promise.resolve({
        files,
        folders: inside.map((file) => file.path).filter((each) => !files.includes(each)),
      });
    },
  };

  constructor() {
    super();
    this.$root = new TFolder(this, '/');
    this.$files.set('/', this.$root);
  }

  getName(): string {
    return 'Stand-in vault';
  }

  getRoot(): TFolder {
    return this.$root;
  }

  getAbstractFileByPath(path: string): TAbstractFile | null {
    return this.$files.get(path) ?? null;
  }

  getFileByPath(path: string): TFile | null {
    const found = this.$files.get(path);
    return found instanceof TFile ? found : null;
  }

  getFolderByPath(path: string): TFolder | null {
    const found = this.$files.get(path);
    return found instanceof TFolder ? found : null;
  }

  getAllLoadedFiles(): TAbstractFile[] {
    return [...this.$files.values()];
  }

  getAllFolders(includeRoot = false): TFolder[] {
    return this.getAllLoadedFiles().filter(
      (file): file is TFolder => file instanceof TFolder && (includeRoot || !file.isRoot()),
    );
  }

  getFiles(): TFile[] {
    return this.getAllLoadedFiles().filter((file) => file instanceof TFile);
  }

  getMarkdownFiles(): TFile[] {
    return this.getFiles().filter(({ extension }) => extension === 'md');
  }

  static recurseChildren(root: TFolder, callback: (file: TAbstractFile) => unknown): void {
    callback(root);
    for (const child of root.children) {
      if (child instanceof TFolder) Vault.recurseChildren(child, callback);
      else callback(child);
    }
  }

  async read(file: TFile): Promise<string> {
    return await bridge.read(file.path);
  }

  async cachedRead(file: TFile): Promise<string> {
    return await bridge.read(file.path);
  }

  async readBinary(file: TFile): Promise<ArrayBuffer> {
    const bytes = atob(await bridge.readBytes(file.path));
    return Uint8Array.from(bytes, (character) => character.charCodeAt(0)).buffer;
  }

  async create(path: string, data: string): Promise<TFile> {
    if (await bridge.exists(path)) throw new Error('File already exists.');
    if (!(await bridge.exists(folderOf(path)))) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
    return this.$take(await bridge.write(path, data)) as TFile;
  }

  async createFolder(path: string): Promise<TFolder> {
    if (await bridge.exists(path)) throw new Error('Folder already exists.');
    return this.$take(await bridge.makeFolder(path)) as TFolder;
  }

  async modify(file: TFile, data: string): Promise<void> {
    await this.process(file, () => data);
  }

  async append(file: TFile, data: string): Promise<void> {
    await this.process(file, (text) => text + data);
  }

  /** As atomic as in Obsidian: nothing of another program gets in between, though the page is not in one process with the files. */
  async process(file: TFile, change: (text: string) => string): Promise<string> {
    const turn = this.$writing.then(async () => {
      for (;;) {
        const text = await bridge.read(file.path);
        const changed = change(text);
        if (changed === text) return changed;
        const written = await bridge.write(file.path, changed, text);
        if (written === null) continue;
        this.$take(written);
        return changed;
      }
    });
    this.$writing = turn.catch(() => undefined);
    return await turn;
  }

  async delete(file: TAbstractFile): Promise<void> {
    await bridge.remove(file.path);
    this.$forget(file.path);
  }

  async trash(file: TAbstractFile, _system: boolean): Promise<void> {
    await this.delete(file);
  }

  async rename(file: TAbstractFile, newPath: string): Promise<void> {
    const oldPath = file.path;
    await bridge.move(oldPath, newPath);
    const moved = [...this.$files.values()].filter(({ path }) => path === oldPath || path.startsWith(`${oldPath}/`));
    for (const each of moved) {
      const before = each.path;
      this.$files.delete(before);
      each.$rename(newPath + before.slice(oldPath.length));
      this.$files.set(each.path, each);
    }
    this.$adopt(file);
    for (const each of moved) this.trigger('rename', each, oldPath + each.path.slice(newPath.length));
  }

  getResourcePath(file: TFile): string {
    return `/vault/${file.path}`;
  }

  /** What is in the folder now: brings all of this up to date, with the events that Obsidian has for it. */
  $synchronize(entries: readonly Entry[]): void {
    const present = new Set(['/', ...entries.map(({ path }) => path)]);
    for (const path of [...this.$files.keys()].reverse()) if (!present.has(path)) this.$forget(path);
    for (const entry of [...entries].sort((left, right) => left.path.length - right.path.length)) this.$take(entry);
  }

  $take(entry: Entry | null): TAbstractFile | null {
    if (entry === null || entry.path.startsWith('.')) return null;
    const { path, isFolder, ctime, mtime, size } = entry;
    const found = this.$files.get(path);
    if (found) {
      if (!(found instanceof TFile) || (found.stat.mtime === mtime && found.stat.size === size)) return found;
      found.stat = { ctime, mtime, size };
      this.trigger('modify', found);
      return found;
    }
    if (path.includes('/') && !this.$files.has(folderOf(path)))
      this.$take({ path: folderOf(path), isFolder: true, ctime, mtime, size: 0 });
    const made = isFolder ? new TFolder(this, path) : new TFile(this, path);
    if (made instanceof TFile) made.stat = { ctime, mtime, size };
    this.$files.set(path, made);
    this.$adopt(made);
    this.trigger('create', made);
    return made;
  }

  $forget(path: string): void {
    const found = this.$files.get(path);
    if (!found) return;
    if (found instanceof TFolder) for (const child of [...found.children]) this.$forget(child.path);
    this.$files.delete(path);
    if (found.parent) found.parent.children = found.parent.children.filter((child) => child !== found);
    this.trigger('delete', found);
  }

  $adopt(file: TAbstractFile): void {
    if (file.parent) file.parent.children = file.parent.children.filter((child) => child !== file);
    file.parent = this.getFolderByPath(folderOf(file.path));
    file.parent?.children.push(file);
  }
}
