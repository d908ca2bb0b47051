#!/usr/bin/env node
// Runs on any Node from 18 on, before anything is installed: Node's own modules only, and nothing on stdout,
// which belongs to the program that is started.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.opus-stamp');
const pinnedNode = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const debianPackages = { bwrap: 'bubblewrap', git: 'git' };
/** What only tests need. */
const testPackages = { chromium: 'chromium' };

const say = (text) => process.stderr.write(`${text}\n`);

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    if (folder === '') return false;
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function quietly(command, args, env = {}) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 2, 2],
  });
  return status === 0;
}

/** True when every package the lockfile requires here is installed in the version it names. */
function installedMatches(lockText) {
  try {
    const wanted = JSON.parse(lockText).packages;
    const present = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')).packages;
    return Object.entries(wanted).every(
      ([path, { version, optional, devOptional }]) =>
        path === '' || optional || devOptional || present[path]?.version === version,
    );
  } catch {
    return false;
  }
}

function installModules() {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const stamp = createHash('sha256').update(lockText).digest('hex');
  const stamped = () => {
    try {
      return readFileSync(stampFile, 'utf8') === stamp;
    } catch {
      return false;
    }
  };
  if (existsSync(pinnedNode) && stamped()) return;
  if (!existsSync(pinnedNode) || !installedMatches(lockText)) {
    say('Setting up: npm ci');
    const npm = process.env.npm_execpath;
    const ok = npm?.endsWith('.js')
      ? quietly(process.execPath, [npm, 'ci', '--loglevel=error'])
      : quietly('npm', ['ci', '--loglevel=error']);
    if (!ok) fail('npm ci did not succeed; run it here to see why.');
    if (!existsSync(pinnedNode)) {
      fail('The pinned Node is missing after npm ci; npm must be allowed to run install scripts: npm rebuild node');
    }
  }
  writeFileSync(stampFile, stamp);
}

function installPrograms(isForTests) {
  if (process.platform !== 'linux') return;
  const hasOwnChromium = process.env.OPUS_CHROMIUM !== undefined;
  const packages = { ...debianPackages, ...(isForTests && !hasOwnChromium && testPackages) };
  const missing = Object.keys(packages)
    .filter((program) => !onPath(program))
    .map((program) => packages[program]);
  if (missing.length === 0) return;
  const root = process.getuid?.() === 0;
  const command = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (root && onPath('apt-get')) {
    say(`Setting up: ${command}`);
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    quietly('apt-get', ['-qq', 'update'], env);
    if (quietly('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...missing], env)) return;
  }
  say(`Missing on this machine: ${missing.join(', ')}. Install with: sudo sh -c '${command}'`);
}

function fail(message) {
  say(message);
  process.exit(2);
}

/** A file of this project, a program of its node_modules, or an option of node. */
function resolveProgram(name) {
  if (name.startsWith('-')) return name;
  const own = resolve(root, name);
  if (/\.[cm]?[jt]s$/.test(name) && existsSync(own)) return own;
  const bin = join(modules, '.bin', name);
  if (existsSync(bin)) return realpathSync(bin);
  return fail(`There is no ${name} in this project.`);
}

/** Starts the pinned Node in this process's place: same streams, signals and exit code. */
export function run([program, ...rest]) {
  installModules();
  installPrograms(program === 'vitest');
  const child = spawn(pinnedNode, [resolveProgram(program), ...rest], {
    stdio: 'inherit',
    env: { ...process.env, PATH: `${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}` },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) {
    process.on(signal, () => {
      // A terminal sends its signals to the whole group: passing Ctrl-C on would deliver it twice.
      if (process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')) return;
      child.kill(signal);
    });
  }
  child.on('error', (error) => fail(`The pinned Node does not start: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  if (args.length === 0) fail('Usage: node scripts/run.mjs FILE|PROGRAM [ARGUMENT…]');
  run(args);
}
