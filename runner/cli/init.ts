import { OpusError } from '#shared/domain/errors.ts';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { makeFolder } from '../adapters/registry/make-folder.ts';
import { composeRunner } from '../compose.ts';
import { loadConfig } from '../config/load.ts';
import { locateConfig } from './configuration.ts';
import { initialAnswers, type InitOptions } from './init-answers.ts';
import { configText, neededEndpoints, noteFiles, vaultFolders } from './init-files.ts';
import { usualEndpoints } from '../core/agent-kinds.ts';
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
  const isElsewhere = config.vault.writer === 'plugin';
  if (isElsewhere) {
    terminal.err(
      'The vault is not on this machine, so no notes are written. Make them in Obsidian, or copy those of a vault that `opus init` made in another folder.',
    );
  } else refuseFile(vault);
  for (const folder of isElsewhere ? [] : vaultFolders) {
    const path = join(vault, folder);
    if (existsSync(path)) continue;
    makeFolder(path);
    done.written.push(`${path}/`);
  }
  const notes = isElsewhere ? [] : noteFiles(answers);
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
  const needed = neededEndpoints(answers);
  const absent = needed.filter((name) => !Object.hasOwn(config.models, name));
  if (absent.length > 0) sayModels(terminal, absent);
  sayNext(terminal, command, {
    namesNoAgent: answers.agentIsPlaceholder && confirmable.some((path) => path.endsWith('/agents/coder.md')),
    tryAgents: answers.chosen.length > 0,
    variables: needed.flatMap((name) => {
      const key = config.models[name]?.key;
      return key?.kind === 'env' && terminal.environment[key.name] === undefined ? [[key.name, name] as const] : [];
    }),
  });
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

function sayModels(terminal: Terminal, absent: readonly string[]): void {
  terminal.err('opus.yml was there and stays as it is. The agents need under its "models":');
  for (const name of absent)
    terminal.err(`  ${name}: ${usualEndpoints[name]?.entry ?? '{ key: env:…, url: https://… }'}`);
}

interface Next {
  /** The notes name an agent that does not exist. */
  readonly namesNoAgent: boolean;
  readonly tryAgents: boolean;
  /** Environment variables that are not set, with the endpoint whose key each is. */
  readonly variables: readonly (readonly [string, string])[];
}

function sayNext(terminal: Terminal, command: (words: string) => string, next: Next): void {
  const steps: (readonly [string, string])[] = [];
  if (next.namesNoAgent) {
    steps.push(['edit planner.md, coder.md, reviewer.md in 00_system/opus/agents', 'name your agent']);
    steps.push([command('trust'), 'put the change in force']);
  }
  for (const [variable, endpoint] of next.variables) {
    const token = endpoint === 'anthropic' ? ', or the token that "claude setup-token" prints' : '';
    steps.push([`export ${variable}=…`, `the key for ${endpoint}${token}`]);
  }
  steps.push([command('doctor'), 'is everything here that it needs?']);
  if (next.tryAgents) steps.push([command('agents --try'), 'do the agents answer?']);
  steps.push([command('fr new "Title"'), 'write a feature request']);
  steps.push([command('run FR-001'), 'work on it, up to the merge gate']);
  steps.push([command('serve'), 'or let the service do it, once its note says "status: planned"']);
  const width = Math.max(...steps.map(([words]) => words.length));
  terminal.out(`\n${terminal.paint('out', 'bold', 'Next')}`);
  for (const [words, what] of steps) terminal.out(`  ${words.padEnd(width)}  ${terminal.paint('out', 'dim', what)}`);
}
