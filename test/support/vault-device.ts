import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TFile, TFolder, type App, type EventRef, type TAbstractFile } from 'obsidian';

/** Obsidian's vault over a real folder, as far as the plugin uses it; several devices may share one, as if it were synchronised at once. */
export interface VaultDevice {
  readonly app: App;
  readonly root: string;
  /** How often each path was written by the plugin. */
  readonly writes: ReadonlyMap<string, number>;
  get(path: string): string;
  /** A person's edit, in Obsidian: told at once. Null removes the note. */
  edit(path: string, text: string | null): void;
  /** Something else wrote into the folder. */
  noticed(): void;
}

type Listener = (file: TAbstractFile, from?: string) => void;

export function createVaultDevice(root: string): VaultDevice {
  const listeners = new Map<EventRef, Listener>();
  const writes = new Map<string, number>();
  const absolute = (path: string): string => join(root, path);

  const fileAt = (path: string): TFile | TFolder | null => {
    const stats = statSync(absolute(path), { throwIfNoEntry: false });
    if (!stats) return null;
    const prototype = (stats.isDirectory() ? TFolder.prototype : TFile.prototype) as object;
    return Object.create(prototype, {
      path: { value: path },
      name: { value: basename(path) },
      stat: { value: { mtime: stats.mtimeMs, ctime: stats.ctimeMs, size: stats.size } },
    }) as TFile | TFolder;
  };
  const tell = (path: string): void => {
    const file = fileAt(path) ?? (Object.create(TFile.prototype, { path: { value: path } }) as TFile);
    for (const listener of [...listeners.values()]) listener(file);
  };
  const write = (path: string, text: string): void => {
    writes.set(path, (writes.get(path) ?? 0) + 1);
    writeFileSync(`${absolute(path)}.saving`, text);
    renameSync(`${absolute(path)}.saving`, absolute(path));
    tell(path);
  };
  const notes = (): string[] =>
    readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.endsWith('.md') && !path.split('/').some((part) => part.startsWith('.')),
    );
  const vault = {
    getMarkdownFiles: () => notes().flatMap((path) => fileAt(path) ?? []),
    getAbstractFileByPath: fileAt,
    getFileByPath: (path: string) =>
      statSync(absolute(path), { throwIfNoEntry: false })?.isFile() ? fileAt(path) : null,
    getFolderByPath: (path: string) =>
      statSync(absolute(path), { throwIfNoEntry: false })?.isDirectory() ? fileAt(path) : null,
    read: (file: TFile) => Promise.resolve(readFileSync(absolute(file.path), 'utf8')),
    readBinary: (file: TFile) => {
      const bytes = readFileSync(absolute(file.path));
      return Promise.resolve(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    },
    process: (file: TFile, change: (text: string) => string) => {
      const before = readFileSync(absolute(file.path), 'utf8');
      const after = change(before);
      if (after !== before) write(file.path, after);
      return Promise.resolve(after);
    },
    create: (path: string, text: string) => {
      if (fileAt(path)) return Promise.reject(new Error('File already exists.'));
      write(path, text);
      return Promise.resolve(fileAt(path));
    },
    createFolder: (path: string) => {
      mkdirSync(absolute(path));
      return Promise.resolve(fileAt(path));
    },
    on: (name: string, listener: Listener): EventRef => {
      const reference = {} as EventRef;
      // One for each kind of change; here every change is told once.
      if (name === 'modify') listeners.set(reference, listener);
      return reference;
    },
    offref: (reference: EventRef) => listeners.delete(reference),
  };
  const app = {
    vault,
    fileManager: {
      trashFile: (file: TFile) => {
        rmSync(absolute(file.path));
        tell(file.path);
        return Promise.resolve();
      },
    },
    workspace: {
      onLayoutReady: (ready: () => void) => {
        ready();
      },
    },
  };
  return {
    app: app as unknown as App,
    root,
    writes,
    get: (path) => readFileSync(absolute(path), 'utf8'),
    edit(path, text) {
      if (text === null) rmSync(absolute(path));
      else {
        mkdirSync(dirname(absolute(path)), { recursive: true });
        writeFileSync(absolute(path), text);
      }
      tell(path);
    },
    noticed() {
      for (const path of notes()) tell(path);
    },
  };
}
