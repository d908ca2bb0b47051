import type { Menu, Plugin, TAbstractFile } from 'obsidian';
import type { Dispatcher } from './dispatch.ts';
import type { FeatureNotes } from './feature-notes.ts';

export interface DispatchMenuOptions {
  readonly plugin: Plugin;
  readonly notes: FeatureNotes;
  readonly dispatcher: Dispatcher;
}

/** The entry in the menus of one file, of several files and folders, and of the text of a note. */
export function registerDispatchMenus({ plugin, notes, dispatcher }: DispatchMenuOptions): void {
  const { workspace } = plugin.app;
  const offer = (menu: Menu, files: readonly TAbstractFile[]): void => {
    const found = notes.within(files);
    if (found.length === 0) return;
    menu.addItem((item) =>
      item
        .setTitle(found.length === 1 ? 'Dispatch FR' : `Dispatch ${found.length} FRs`)
        .setIcon('rocket')
        .setSection('action')
        .onClick(() => void dispatcher.dispatch(files)),
    );
  };
  plugin.registerEvent(
    workspace.on('file-menu', (menu, file) => {
      offer(menu, [file]);
    }),
  );
  plugin.registerEvent(
    workspace.on('files-menu', (menu, files) => {
      offer(menu, files);
    }),
  );
  plugin.registerEvent(
    workspace.on('editor-menu', (menu, _editor, { file }) => {
      if (file) offer(menu, [file]);
    }),
  );
}
