#!/usr/bin/env node
// Parses on any Node from 18 on: an older one only finds the pinned one and hands over to it.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = fileURLToPath(import.meta.url);
const root = dirname(dirname(here));
const built = join(root, 'dist', 'runner', 'main.mjs');
const source = join(root, 'runner', 'main.ts');
const launcher = join(root, 'scripts', 'run.mjs');

const isCheckout = existsSync(launcher);
const tooOld = Number(process.versions.node.split('.')[0]) < 24;

/** Folders count too: a deleted file shows only in its folder's time. */
function anyNewer(path, than) {
  const stats = statSync(path);
  if (stats.mtimeMs > than) return true;
  return stats.isDirectory() && readdirSync(path).some((name) => anyNewer(join(path, name), than));
}

function entry() {
  if (!isCheckout) return built;
  if (process.env.OPUS_FROM_SOURCE || !existsSync(built)) return source;
  const builtAt = statSync(built).mtimeMs;
  const inputs = ['runner', 'shared', 'package-lock.json'].map((name) => join(root, name));
  return inputs.some((path) => anyNewer(path, builtAt)) ? source : built;
}

if (isCheckout && (tooOld || !existsSync(join(root, 'node_modules')))) {
  const { run } = await import(pathToFileURL(launcher).href);
  run([here, ...process.argv.slice(2)]);
} else if (tooOld) {
  process.stderr.write(`opus needs Node 24 or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 2;
} else {
  const { enableCompileCache } = process.getBuiltinModule('node:module');
  enableCompileCache();
  await import(pathToFileURL(entry()).href);
}
