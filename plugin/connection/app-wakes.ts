import type { Plugin } from 'obsidian';

/** Calls `wake` when the app may be able to reach the runner again: phones cut connections of what is in the background. */
export function onAppWakes(plugin: Plugin, wake: () => void): void {
  plugin.registerDomEvent(window, 'online', wake);
  plugin.registerDomEvent(window, 'focus', wake);
  plugin.registerDomEvent(document, 'visibilitychange', () => {
    if (document.visibilityState === 'visible') wake();
  });
}
