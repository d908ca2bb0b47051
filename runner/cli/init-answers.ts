import { OpusError } from '#shared/domain/errors.ts';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { createHostGit } from '../adapters/git/host-git.ts';
import { ask } from './ask.ts';
import { agentsOn, readyAgents } from './ready-agents.ts';
import type { Terminal } from './terminal.ts';

export interface InitOptions {
  readonly vault?: string;
  /** NAME=URL or NAME=URL@BASE. */
  readonly repo?: readonly string[];
  readonly test?: string;
  readonly agent?: readonly string[];
  /** Names of ready agents, with commas between. */
  readonly with?: string;
  readonly json?: boolean;
  readonly config?: string;
}

export interface Answers {
  readonly vault: string;
  readonly repositories: readonly { readonly name: string; readonly url: string; readonly base: string }[];
  /** Empty when there is none. */
  readonly test: string;
  readonly agent: readonly string[];
  /** No agent was named, so the notes name one that does not exist. */
  readonly agentIsPlaceholder: boolean;
  /** Ready agents that work by default, in this order: the first plans and codes, the second reviews. */
  readonly chosen: readonly string[];
  /** Whether the notes of all ready agents are written. */
  readonly ready: boolean;
}

const placeholderAgent = ['my-agent', '{{prompt_file}}'];

/** From the flags; what they leave open is asked on a terminal. */
export async function initialAnswers(terminal: Terminal, options: InitOptions, file: string): Promise<Answers> {
  const configIsThere = existsSync(file);
  const need = async (
    given: string | undefined,
    question: string,
    otherwise: string,
    flag: string,
  ): Promise<string> => {
    if (given !== undefined) return given;
    if (configIsThere) return '';
    if (terminal.canAsk) return await ask(terminal, question, otherwise);
    throw new OpusError('config.usage', `opus init needs ${flag}, since nobody can be asked here.`, {
      hint: 'opus init --vault FOLDER --repo NAME=URL [--test "npm test"] [--with claude,codex]',
    });
  };
  const vault = await need(options.vault, 'Where is the vault?', './vault', '--vault FOLDER');
  const given = options.repo ?? [];
  const repos =
    given.length > 0
      ? given
      : [await need(undefined, 'Which repository? A path or URL, or NAME=URL.', './repos/app.git', '--repo NAME=URL')];
  const optional = async (value: string | undefined, question: string, otherwise = ''): Promise<string> =>
    value ?? (terminal.canAsk && !configIsThere ? await ask(terminal, question, otherwise) : '');
  const test = await optional(options.test, 'Which command tests it? Empty for none.');
  if (options.with !== undefined && options.agent !== undefined) {
    throw new OpusError('config.usage', 'Either --with or --agent says which agents work, not both.');
  }
  const { agentText, chosen } = await agentAnswer(terminal, options, optional);
  const words = options.agent !== undefined && options.agent.length > 1 ? options.agent : splitWords(agentText);
  const home = dirname(file) === terminal.cwd ? null : terminal.cwd;
  return {
    vault: rooted(vault === '' ? './vault' : vault, home),
    repositories: configIsThere ? [] : await Promise.all(repos.map((repo) => repositoryOf(repo, terminal, home))),
    test,
    agent: words.length === 0 ? placeholderAgent : words.map((word) => absoluteFile(word, terminal.cwd)),
    agentIsPlaceholder: words.length === 0 && chosen.length === 0,
    chosen,
    ready: chosen.length > 0 || (words.length === 0 && !configIsThere),
  };
}

async function agentAnswer(
  terminal: Terminal,
  options: InitOptions,
  optional: (given: string | undefined, question: string, otherwise?: string) => Promise<string>,
): Promise<{ readonly agentText: string; readonly chosen: readonly string[] }> {
  if (options.with !== undefined) return { agentText: '', chosen: namesIn(options.with) };
  const found = agentsOn(terminal.environment['PATH'] ?? '');
  const question = [
    'Which agents work? The first plans and codes, the second reviews. There are',
    `${readyAgents.join(', ')}.`,
    'A command line will do too, with {{prompt_file}} for the prompt; "later" for none.',
  ].join('\n');
  const answer = await optional(options.agent?.join(' '), question, found.slice(0, 2).join(', ') || 'later');
  if (options.agent !== undefined) return { agentText: answer, chosen: [] };
  if (/^(?:later)?$/i.test(answer)) return { agentText: '', chosen: [] };
  const names = answer.split(/[\s,]+/).filter((name) => name !== '');
  return names.every((name) => readyAgents.includes(name))
    ? { agentText: '', chosen: namesIn(answer) }
    : { agentText: answer, chosen: [] };
}

function namesIn(text: string): string[] {
  const names = [...new Set(text.split(/[\s,]+/).filter((name) => name !== ''))];
  const unknown = names.find((name) => !readyAgents.includes(name));
  if (names.length > 0 && unknown === undefined) return names;
  const what = unknown === undefined ? 'No agent is named.' : `There is no ready note for an agent "${unknown}".`;
  throw new OpusError('config.usage', what, {
    hint: `There are: ${readyAgents.join(', ')}. Any other CLI is named by its command: --agent "my-agent {{prompt_file}}"`,
  });
}

/** Paths in opus.yml start from its folder; on the command line they start from the current one. */
function rooted(path: string, cwd: string | null): string {
  return cwd === null || isAbsolute(path) || path.startsWith('~') ? path : resolve(cwd, path);
}

/** The agent runs in a worktree, so a script named relative to here is named from the root. */
function absoluteFile(word: string, cwd: string): string {
  const path = resolve(cwd, word);
  return !isAbsolute(word) && /[./]/.test(word) && !word.includes('{{') && existsSync(path) ? path : word;
}

async function repositoryOf(
  text: string,
  terminal: Terminal,
  home: string | null,
): Promise<Answers['repositories'][number]> {
  const named = /^([A-Za-z][\w-]*)=(.+)$/.exec(text);
  const rest = named?.[2] ?? text;
  const withBase = /^(.+)@([\w.-]+)$/.exec(rest);
  const url = withBase?.[1] ?? rest;
  if (url.trim() === '') {
    throw new OpusError('config.usage', `"${text}" names no repository.`, {
      hint: 'Write --repo app=PATH_OR_URL, or app=URL@main.',
    });
  }
  const located = isRemote(url) ? url : rooted(url, home);
  const name = named?.[1] ?? /([A-Za-z][\w-]*?)(?:\.git)?\/*$/.exec(url)?.[1] ?? 'app';
  return { name, url: located, base: withBase?.[2] ?? (await defaultBranch(located, terminal.cwd)) };
}

function isRemote(url: string): boolean {
  return /^(?:https?|ssh|git|file):\/\//.test(url) || /^[\w.-]+@[\w.-]+:/.test(url);
}

/** The branch that HEAD names there; main when it cannot be asked. */
async function defaultBranch(url: string, cwd: string): Promise<string> {
  const place = isRemote(url) ? url : resolve(cwd, url.replace(/^~(?=\/|$)/, homedir()));
  if (!isRemote(url) && !existsSync(place)) return 'main';
  const head = await createHostGit()
    .run(['ls-remote', '--symref', '--', place, 'HEAD'], { timeoutMs: 10_000 })
    .catch(() => null);
  const remote = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(head?.stdout ?? '')?.[1];
  if (remote !== undefined) return remote;
  const unborn = await createHostGit()
    .run(['symbolic-ref', '--short', 'HEAD'], { gitDir: existsSync(join(place, '.git')) ? join(place, '.git') : place })
    .catch(() => null);
  return isRemote(url) || unborn?.exitCode !== 0 ? 'main' : unborn.stdout.trim();
}

/** Words as a shell would cut them: spaces part, quotes hold together. */
export function splitWords(text: string): string[] {
  return [...text.matchAll(/(?:"[^"]*"|'[^']*'|\{\{[^}]*\}\}|[^\s"'])+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? ''),
  );
}
