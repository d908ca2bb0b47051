import { OpusError } from '#shared/domain/errors.ts';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { makeFolder } from '../adapters/registry/make-folder.ts';
import { composeRunner } from '../compose.ts';
import { loadConfig } from '../config/load.ts';
import { locateConfig } from './configuration.ts';
import { initialAnswers, type InitOptions } from './init-answers.ts';
import { configText, noteFiles, vaultFolders } from './init-files.ts';
import { besideJson, printJson, type Terminal } from './terminal.ts';

/** Absolute paths; a folder's ends with a slash. */
interface Written {
  readonly written: string[];
  readonly kept: string[];
}

/** Writes what is missing and nothing that is there, and confirms the notes it wrote itself. */
export async function init(terminal: Terminal, options: InitOptions): Promise<number> {
  const json = options.json === true;
  const done = await initialise(besideJson(terminal, json), options);
  if (json) printJson(terminal, done);
  return 0;
}

async function initialise(terminal: Terminal, options: InitOptions): Promise<Written> {
  const file = resolve(terminal.cwd, options.config ?? 'opus.yml');
  const done: Written = { written: [], kept: [] };
  const answers = await initialAnswers(terminal, options, file);
  if (existsSync(file)) {
    // A broken one is said now, not after half the work.
    loadConfig(file, { environment: terminal.environment });
    if (options.vault !== undefined || (options.repo ?? []).length > 0 || options.test !== undefined) {
      terminal.err(`${file} is there and stays as it is; --vault, --repo and --test change nothing in it.`);
    }
  }
  await writeMissing(file, configText(answers, file), done);
  const { config, command } = locateConfig(terminal, file);
  const vault = config.vault.path;
  refuseFile(vault);
  for (const folder of vaultFolders) {
    const path = join(vault, folder);
    if (existsSync(path)) continue;
    makeFolder(path);
    done.written.push(`${path}/`);
  }
  const notes = noteFiles(answers.agent);
  const confirmable: string[] = [];
  for (const note of notes) {
    const isNew = await writeMissing(join(vault, note.path), note.text, done);
    if (isNew && note.namesCommands) confirmable.push(note.path);
  }
  report(terminal, done);
  if (confirmable.length > 0) {
    const runner = await composeRunner(config);
    try {
      const count = await runner.trust.confirm(confirmable);
      terminal.out(`Confirmed the ${count} notes it wrote; a change to one takes effect with: ${command('trust')}`);
    } finally {
      await runner.stop();
    }
  }
  sayNext(terminal, command, answers.agentIsPlaceholder && confirmable.some((path) => path.includes('/agents/')));
  return done;
}

/** Made only where nothing is: an existing file, or link, is left alone. */
async function writeMissing(path: string, text: string, done: Written): Promise<boolean> {
  try {
    makeFolder(dirname(path));
    await writeFile(path, text, { flag: 'wx' });
    done.written.push(path);
    return true;
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
    if (code === 'EEXIST' && existsSync(path)) {
      done.kept.push(path);
      return false;
    }
    throw new OpusError('config.init-conflict', `${path} cannot be written (${String(code)}).`, {
      hint: 'Make its folder writable, or name another place; what was written so far stays.',
      cause: thrown,
    });
  }
}

function refuseFile(vault: string): void {
  try {
    if (existsSync(vault)) readdirSync(vault);
    else makeFolder(vault);
  } catch (thrown) {
    throw new OpusError('config.init-conflict', `The vault ${vault} is not a folder and cannot be made one.`, {
      hint: "Name the vault's folder with --vault, or in opus.yml.",
      cause: thrown,
    });
  }
}

function report(terminal: Terminal, done: Written): void {
  const shown = (path: string): string => {
    const way = relative(terminal.cwd, path);
    return `${way === '' || way.startsWith('..') ? path : way}${path.endsWith('/') ? '/' : ''}`;
  };
  for (const path of done.written) terminal.out(`${terminal.paint('out', 'green', 'wrote')}  ${shown(path)}`);
  for (const path of done.kept) terminal.out(`${terminal.paint('out', 'dim', 'kept')}   ${shown(path)}`);
}

function sayNext(terminal: Terminal, command: (words: string) => string, namesNoAgent: boolean): void {
  const steps: (readonly [string, string])[] = [];
  if (namesNoAgent) {
    steps.push(['edit command: in 00_system/opus/agents/*.md', 'name your agent']);
    steps.push([command('trust'), 'put the change in force']);
  }
  steps.push([command('doctor'), 'is everything here that it needs?']);
  steps.push([command('fr new "Title"'), 'write a feature request']);
  steps.push([command('run FR-001'), 'work on it, up to the merge gate']);
  steps.push([command('serve'), 'or let the service do it, once its note says "status: planned"']);
  const width = Math.max(...steps.map(([words]) => words.length));
  terminal.out(`\n${terminal.paint('out', 'bold', 'Next')}`);
  for (const [words, what] of steps) terminal.out(`  ${words.padEnd(width)}  ${terminal.paint('out', 'dim', what)}`);
}
