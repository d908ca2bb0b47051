import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../../..');

/** What the browser is shown: the plugin as it is shipped, the page that stands in for Obsidian, and every view by itself. */
export const builtPages = join(root, 'node_modules/.cache/browser-tests');

/** Once before all browser tests, so that they never look at an old build. */
export default async function buildPages(): Promise<void> {
  const host = join(builtPages, 'host');
  mkdirSync(host, { recursive: true });
  execFileSync(process.execPath, ['esbuild.config.mjs', '--only', 'plugin', '--out', builtPages], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  // Where the service looks for it.
  execFileSync(process.execPath, ['esbuild.config.mjs', '--only', 'dashboard'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await build({
    absWorkingDir: root,
    entryPoints: ['test/browser/host/main.ts'],
    outfile: join(host, 'host.js'),
    bundle: true,
    format: 'iife',
    logLevel: 'warning',
  });
  await build({
    absWorkingDir: root,
    entryPoints: ['test/browser/fixtures/view-gallery.tsx'],
    outfile: join(builtPages, 'view-gallery.js'),
    bundle: true,
    format: 'iife',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
  });
  copyFileSync(join(root, 'test/browser/host/host.css'), join(host, 'host.css'));
  copyFileSync(join(root, 'test/browser/fixtures/obsidian-variables.css'), join(host, 'obsidian-variables.css'));
}
