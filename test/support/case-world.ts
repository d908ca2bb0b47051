import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { plainGit } from './git-lab.ts';

type AgentStageName = 'plan' | 'code' | 'test' | 'review';

export interface AgentCommand {
  readonly command: readonly string[];
  /** Further lines of the agent note's properties. */
  readonly more?: readonly string[];
}

/** What differs from the plain world. */
export interface WorldOptions {
  readonly agents?: Partial<Record<AgentStageName, AgentCommand>>;
  /** Of the policy; planning takes time that most cases have no use for. */
  readonly stages?: readonly string[];
  /** Further lines of the policy. */
  readonly policy?: readonly string[];
  /** Lines of opus.yml. */
  readonly config?: readonly string[];
  readonly repository?: { readonly test?: string | null; readonly setup?: string };
  /** Replacements in the note's text. */
  readonly note?: (text: string) => string;
  readonly dependency?: (text: string) => string;
}

/** A vault, a repository, agents and a configuration of their own, in one temporary folder. */
export interface World {
  readonly folder: string;
  readonly configFile: string;
  readonly vault: string;
  readonly data: string;
  readonly origin: string;
  /** Where the note is now. */
  notePath(): string;
  /** The note as it is on disk; empty when it is gone. */
  note(): string;
  /** Notes that were changed beside it, by path. */
  readonly changedNotes: ReadonlySet<string>;
  /** The note as its user wrote it, with the user's edits. */
  usersNote(): string;
  /** An edit by the user. */
  edit(change: (text: string) => string): void;
  /** The user moves the note, or deletes it. */
  moveNote(to: string | null): void;
  /** A commit by somebody else on the base. */
  pushToBase(files: Readonly<Record<string, string>>): void;
  /** The note of an agent with another command. */
  setAgent(stage: AgentStageName, agent: AgentCommand): void;
  git(directory: string, ...args: string[]): string;
  /** A file of the origin's branch. */
  fileOf(branch: string, path: string): string;
  report(job: string): string;
  dispose(): void;
}

export const sh = (behaviour: string, more: readonly string[] = []): AgentCommand => ({
  command: ['sh', '{{config_dir}}/agents/agent.sh', behaviour],
  more,
});

export const python = (behaviour: string, ...given: string[]): AgentCommand => ({
  command: ['python3', '{{config_dir}}/agents/agent.py', behaviour, ...given],
});

const firstPath = '10_features/tools/words & parts/ABC-7 Zweiter Teil.md';
const otherNotes: Readonly<Record<string, string>> = {
  'diary.md': 'A secret of the diary.\n',
  '.obsidian/app.json': '{}\n',
  '10_features/README.md': '# Features\n',
};
const dependency = '---\nid: ABC-2\nstatus: done\n---\n\nThe first part.\n';

/** With Windows line ends, an umlaut in its name, a comment and keys that mean nothing to the runner. */
const note = `---
id: ABC-7
title: "Words: a second part"
status: planned
priority: high   # the user's own words
repo: words
depends_on:
  - "[[ABC-2]]"
decision: ""
tags: [fr, 'two words']
mood:   undecided
---

# A second part

- [ ] \`parts/two.txt\` holds it — not \`parts/one.txt\`.
`.replaceAll('\n', '\r\n');

const repositoryFiles: Readonly<Record<string, string>> = {
  'words.txt': 'hello\nworld\n',
  'parts/one.txt': 'one\n',
  'check.sh': `set -eu
grep -q hello words.txt || { echo 'words.txt lost its hello'; exit 1; }
if grep -q wrong words.txt; then echo 'words.txt is wrong'; exit 1; fi
count=$(ls parts | wc -l)
[ "$count" -le 2 ] || { echo "$count parts, at most 2 parts are allowed"; exit 1; }
echo "$count parts"
`,
};

const agentFolder = join(import.meta.dirname, '../fixtures/agents');

export function makeWorld(options: WorldOptions = {}): World {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'case ')));
  const vault = join(folder, 'vault');
  const origin = join(folder, 'repos', 'words.git');
  const clone = join(folder, 'somebody');
  const changedNotes = new Set<string>();
  let at = firstPath;
  let usersNote = (options.note ?? same)(note);
  write(vault, {
    ...otherNotes,
    [at]: usersNote,
    '10_features/ABC-2.md': (options.dependency ?? same)(dependency),
  });
  write(vault, codeNotes(options));
  cpSync(agentFolder, join(folder, 'agents'), { recursive: true });
  write(folder, { 'opus.yml': configuration(options) });
  plainGit(folder, 'init', '--quiet', '--bare', '--initial-branch=main', origin);
  plainGit(folder, 'clone', '--quiet', origin, clone);
  const push = (files: Readonly<Record<string, string>>): void => {
    write(clone, files);
    plainGit(clone, 'add', '--all');
    plainGit(clone, 'commit', '--quiet', '--message', 'By somebody');
    plainGit(clone, 'push', '--quiet', 'origin', 'HEAD:main');
  };
  push(repositoryFiles);
  return {
    folder,
    configFile: join(folder, 'opus.yml'),
    vault,
    data: join(folder, 'state'),
    origin,
    notePath: () => at,
    changedNotes,
    note: () => (existsSync(join(vault, at)) ? readFileSync(join(vault, at), 'utf8') : ''),
    usersNote: () => usersNote,
    edit: (change) => {
      usersNote = change(usersNote);
      write(vault, { [at]: change(readFileSync(join(vault, at), 'utf8')) });
    },
    moveNote: (to) => {
      if (to === null) {
        rmSync(join(vault, at));
        return;
      }
      mkdirSync(dirname(join(vault, to)), { recursive: true });
      renameSync(join(vault, at), join(vault, to));
      at = to;
    },
    pushToBase: push,
    setAgent: (stage, agent) => {
      changedNotes.add(agentNotes[stage]);
      write(vault, { [agentNotes[stage]]: agentNote(stage, agent) });
    },
    git: plainGit,
    fileOf: (branch, path) => plainGit(origin, 'show', `${branch}:${path}`),
    report: (job) => {
      const file = join(vault, '20_runs', `${job}.md`);
      return existsSync(file) ? readFileSync(file, 'utf8') : '';
    },
    dispose: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function same(text: string): string {
  return text;
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function configuration({ config = [], repository = {} }: WorldOptions): string {
  const { test = 'sh check.sh', setup } = repository;
  return [
    'vault: { path: ./vault }',
    'repos:',
    '  words:',
    '    url: ./repos/words.git',
    ...(test === null ? [] : [`    test: ${test}`]),
    ...(setup === undefined ? [] : [`    setup: ${setup}`]),
    'data: ./state',
    ...(config.some((line) => line.startsWith('retry:')) ? [] : ['retry: { attempts: 1, base: 1ms }']),
    ...config,
    '',
  ].join('\n');
}

const agentNotes: Readonly<Record<AgentStageName, string>> = {
  plan: '00_system/opus/agents/planner.md',
  code: '00_system/opus/agents/coder.md',
  test: '00_system/opus/agents/tester.md',
  review: '00_system/opus/agents/reviewer.md',
};

function codeNotes({
  agents = {},
  stages = ['code', 'test', 'review'],
  policy = [],
}: WorldOptions): Record<string, string> {
  return {
    [agentNotes.plan]: agentNote('plan', agents.plan ?? python('well')),
    [agentNotes.code]: agentNote('code', agents.code ?? python('well')),
    ...(agents.test ? { [agentNotes.test]: agentNote('test', agents.test) } : {}),
    [agentNotes.review]: agentNote('review', agents.review ?? python('well')),
    '00_system/opus/config.md': `---\ndispatch: manual\nstages: [${stages.join(', ')}]\n${policy.map((line) => `${line}\n`).join('')}---\n`,
  };
}

function agentNote(stage: AgentStageName, { command, more = [] }: AgentCommand): string {
  const properties = [`stage: ${stage}`, 'driver: command', `command: ${JSON.stringify(command)}`, ...more];
  return `---\n${properties.join('\n')}\n---\n\n${template}`;
}

const template = `{{ fr.id }}: {{ fr.title }}

{{ fr.body }}
{% for issue in issues %}- [{{ issue.severity }}] {{ issue.message }}
{% endfor %}{% if evidence %}{{ evidence.tail }}
{% endif %}{% if conflict %}{{ conflict.detail }}
{% endif %}{{ comment }}
{{ diff }}
{{ result_schema }}
`;
