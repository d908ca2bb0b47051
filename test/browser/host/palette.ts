import type { App } from './app.ts';
import type { Editor } from './editor.ts';
import type { MarkdownView } from './markdown-view.ts';
import { FuzzySuggestModal } from './modal.ts';

export interface Command {
  readonly id: string;
  readonly name: string;
  readonly icon?: string;
  readonly mobileOnly?: boolean;
  readonly callback?: () => unknown;
  readonly checkCallback?: (checking: boolean) => boolean | undefined;
  readonly editorCallback?: (editor: Editor, view: MarkdownView) => unknown;
  readonly editorCheckCallback?: (checking: boolean, editor: Editor, view: MarkdownView) => boolean | undefined;
}

/** Runs it, or says whether it could be run now. */
export function runCommand(app: App, command: Command, checking: boolean): boolean {
  if (command.mobileOnly === true && !app.$platform.isMobile) return false;
  const view = app.workspace.activeEditor;
  if (command.editorCheckCallback)
    return view !== null && command.editorCheckCallback(checking, view.editor, view) === true;
  if (command.editorCallback) {
    if (view !== null && !checking) command.editorCallback(view.editor, view);
    return view !== null;
  }
  if (command.checkCallback) {
    if (command.checkCallback(true) !== true) return false;
    if (!checking) command.checkCallback(false);
    return true;
  }
  if (!checking) command.callback?.();
  return command.callback !== undefined;
}

export class CommandPalette extends FuzzySuggestModal<Command> {
  /** Looked at when it is opened: while it is open nothing else is active. */
  readonly $commands: Command[];

  constructor(app: App) {
    super(app);
    this.$commands = [...app.$commands.values()].filter((command) => runCommand(app, command, true));
    this.setPlaceholder('Select a command…');
  }

  getItems(): Command[] {
    return this.$commands;
  }

  getItemText({ name }: Command): string {
    return name;
  }

  onChooseItem(command: Command): void {
    runCommand(this.app, command, false);
  }
}
