import { Notice, Platform, setIcon, type App } from 'obsidian';
import type { ViewHost } from '../../shared/view/host.ts';
import type { RunnerConnection } from '../connection/runner-connection.ts';
import type { Dispatcher } from '../dispatch/dispatch.ts';
import { setNoteProperties } from '../vault/set-properties.ts';
import { ask, confirm } from './modals.ts';

export interface ObsidianHostOptions {
  readonly app: App;
  readonly connection: RunnerConnection;
  readonly dispatcher: Dispatcher;
  readonly openView: ViewHost['openView'];
  readonly openPairing: () => void;
}

/** What the shared components ask of the app they are shown in. */
export function createObsidianHost(options: ObsidianHostOptions): ViewHost {
  const { app, connection } = options;
  const tell = (sentence: string): void => {
    new Notice(sentence, 8_000);
  };
  return {
    client: connection,
    isMobile: Platform.isMobile,
    openNote: (path, line) => void openNote(app, path, line),
    openUrl(url) {
      // Addresses come from the runner: nothing but a web page is opened.
      if (/^https?:\/\//i.test(url)) window.open(url, '_blank', 'noopener');
    },
    openView: options.openView,
    openPairing: options.openPairing,
    confirm: (question) => confirm(app, question),
    ask: (question) => ask(app, question),
    tell,
    async dispatch({ path }) {
      const file = app.vault.getFileByPath(path);
      if (file) await options.dispatcher.dispatch([file]);
      else tell(notHere(path));
    },
    async setProperties(featureRequest, change) {
      const refusal = await setNoteProperties(app, featureRequest, change);
      if (refusal !== null) tell(refusal);
      return refusal === null;
    },
    async copy(text) {
      await navigator.clipboard.writeText(text);
    },
    setIcon(element, name) {
      setIcon(element, name);
    },
  };
}

/** `line` counts from 1. */
export async function openNote(app: App, path: string, line?: number): Promise<void> {
  const file = app.vault.getFileByPath(path);
  if (!file) {
    new Notice(notHere(path));
    return;
  }
  const leaf = app.workspace.getLeaf(false);
  await leaf.openFile(file, line === undefined ? {} : { eState: { line: line - 1 } });
}

function notHere(path: string): string {
  return `${path} is not in this vault on this device. It may not have been synced yet.`;
}
