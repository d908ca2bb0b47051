import {
  copyFileSync,
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
import { onTestFinished } from 'vitest';
import { openRegistryReader } from '../../runner/adapters/registry/registry-reader.ts';
import type { Attempt, Job, RegistryReader } from '../../runner/core/ports/job-registry.ts';
import { plainGit } from './git-lab.ts';

/** What can be made to wait: a stage's agent or command, every agent of one feature request, or the origin when it is pushed to. */
type Holdable = 'plan' | 'code' | 'test' | 'review' | 'setup' | 'push' | `FR-${number}`;

export interface FaultLabOptions {
  /** Feature requests FR-1 … FR-n, planned. */
  readonly notes?: number;
  /** Lines of opus.yml. */
  readonly config?: readonly string[];
  readonly stages?: readonly string[];
  /** What an agent does before its work, in shell; `$here` is the folder of the agents. */
  readonly agents?: Partial<Record<'plan' | 'code' | 'review', string>>;
  readonly setup?: boolean;
  /** A folder that is there already, in which `disk`, with the vault and the data folder, is a disk of its own. */
  readonly disk?: { readonly folder: string; readonly seenAt: (path: string) => string };
}

/** A vault, an origin, shell agents and opus.yml in a folder, for a service that is a process of its own. */
export interface FaultLab {
  readonly folder: string;
  readonly config: string;
  readonly data: string;
  readonly vault: string;
  notePath(fr: string): string;
  note(fr: string): string;
  addNote(fr: string): void;
  /** Writes opus.yml anew, with these lines beside, or in place of, the lab's own. */
  configure(lines: readonly string[]): void;
  policy(lines: readonly string[]): void;
  /** What begins from now on waits, in its sandbox, until it is let go. */
  hold(...what: readonly Holdable[]): void;
  letGo(...what: readonly Holdable[]): void;
  read<Result>(look: (registry: RegistryReader) => Result): Result;
  job(id: string): Job;
  attempts(job: string): readonly Attempt[];
  /** `stage.round status` of each attempt, in order. */
  story(job: string): string[];
  /** What an attempt's agent printed, or a command of the attempt. */
  output(job: string, name: string): string;
  git(...args: readonly string[]): string;
}

const agentScripts = {
  plan: `printf '{"summary":"count","steps":[{"title":"one"}]}' > "$OPUS_RESULT_FILE"`,
  code: `echo "$OPUS_JOB_ID $OPUS_ROUND" >> counted.txt; printf '{"summary":"counted"}' > "$OPUS_RESULT_FILE"`,
  review: `printf '{"verdict":"pass","confidence":90,"summary":"good","issues":[]}' > "$OPUS_RESULT_FILE"`,
} as const;

const waiting = (name: string): string => `here=$(dirname "$0"); echo begun
while [ -e "$here/hold.${name}" ] || [ -e "$here/hold.$OPUS_FR_ID" ]; do sleep 0.05; done
`;

export function makeFaultLab(options: FaultLabOptions = {}): FaultLab {
  const { disk } = options;
  const folder = disk?.folder ?? makeFolder();
  const place = disk === undefined ? '.' : './disk';
  const seenAt = disk?.seenAt ?? ((path: string) => path);
  const vault = seenAt(join(folder, place, 'vault'));
  const data = seenAt(join(folder, place, 'data'));
  const notePath = (fr: string): string => join(vault, '10_features', `${fr}.md`);
  const agentFolder = join(folder, 'agents');

  function addNote(fr: string): void {
    const properties = `id: ${fr}\ntitle: Count in ${fr}\nstatus: planned\ntags:\n  - fr # mine`;
    write(notePath(fr), `---\n${properties}\n---\nThe *body* of ${fr} stays.\n`);
  }

  function configure(lines: readonly string[]): void {
    const own = [
      `vault: { path: ${place}/vault }`,
      `repos: { app: { url: ./origin.git, test: [sh, "${agentFolder}/test.sh"]${options.setup === true ? `, setup: [sh, "${agentFolder}/setup.sh"]` : ''} } }`,
      `data: ${place}/data`,
      'trust: auto',
      'server: { port: 0 }',
      'retry: { attempts: 3, base: 1ms, factor: 2, max: 5ms }',
      'polling: { active: 200ms, idle: 400ms }',
    ];
    const keyOf = (line: string): string => line.slice(0, line.indexOf(':'));
    const given = new Set(lines.map(keyOf));
    write(join(folder, 'opus.yml'), [...own.filter((line) => !given.has(keyOf(line))), ...lines, ''].join('\n'));
  }

  function policy(lines: readonly string[]): void {
    const text = ['---', 'backlog: dispatch', ...lines, '---', ''].join('\n');
    write(join(vault, '00_system/opus/config.md'), text);
  }

  for (let number = 1; number <= (options.notes ?? 1); number++) addNote(`FR-${number}`);
  for (const stage of ['plan', 'code', 'review'] as const) {
    const script = `${options.agents?.[stage] ?? ''}\n${agentScripts[stage]}`;
    write(join(agentFolder, `${stage}.sh`), `set -e\n${waiting(stage)}${script}\n`);
    const command = `["/bin/sh", "{{config_dir}}/agents/${stage}.sh"]`;
    const properties = `stage: ${stage}\ndriver: command\ncommand: ${command}`;
    write(join(vault, `00_system/opus/agents/${stage}.md`), `---\n${properties}\n---\n{{ fr.title }}\n`);
  }
  write(join(agentFolder, 'test.sh'), `${waiting('test')}test -s counted.txt\n`);
  write(join(agentFolder, 'setup.sh'), waiting('setup'));
  configure(options.config ?? []);
  policy([`stages: [${(options.stages ?? ['code', 'deliver']).join(', ')}]`]);
  const origin = makeOrigin(folder);
  const whilePushIsHeld = `while [ -e "${agentFolder}/hold.push" ]; do sleep 0.05; done`;
  write(join(origin, 'hooks/update'), `#!/bin/sh\n${whilePushIsHeld}\n`, 0o755);

  const lab: FaultLab = {
    folder,
    config: join(folder, 'opus.yml'),
    data,
    vault,
    notePath,
    note: (fr) => readFileSync(notePath(fr), 'utf8'),
    addNote,
    configure,
    policy,
    hold(...what) {
      for (const name of what) write(join(agentFolder, `hold.${name}`), '');
    },
    letGo(...what) {
      for (const name of what) rmSync(join(agentFolder, `hold.${name}`), { force: true });
    },
    read(look) {
      const file = join(data, 'registry.db');
      const registry = openRegistryReader({ file: disk === undefined ? file : copyHere(file, folder) });
      try {
        return look(registry);
      } finally {
        registry.close();
      }
    },
    job: (id) =>
      lab.read((registry) => {
        const job = registry.job(id);
        if (!job) throw new Error(`There is no job ${id} yet.`);
        return job;
      }),
    attempts: (job) => lab.read((registry) => registry.attempts(job)),
    story: (job) => lab.attempts(job).map(({ stage, round, status }) => `${stage}.${round} ${status}`),
    output(job, name) {
      const file = join(data, 'logs', job, `${name}.log`);
      return existsSync(file) ? readFileSync(file, 'utf8') : '';
    },
    git: (...args) => plainGit(origin, ...args),
  };
  return lab;
}

/** SQLite resolves a path into another mount namespace to one of this, where nothing is. */
function copyHere(file: string, folder: string): string {
  const copy = join(folder, 'registry-copy.db');
  for (const companion of ['', '-wal']) {
    if (existsSync(`${file}${companion}`)) copyFileSync(`${file}${companion}`, `${copy}${companion}`);
  }
  return copy;
}

function makeFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'faults-')));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** In one step: a runner must not see half of it. */
function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}

function makeOrigin(folder: string): string {
  const source = join(folder, 'source');
  write(join(source, 'README'), 'counted\n');
  plainGit(source, 'init', '--quiet', '--initial-branch=main');
  plainGit(source, 'add', '--all');
  plainGit(source, 'commit', '--quiet', '--message', 'First');
  plainGit(folder, 'clone', '--quiet', '--bare', source, 'origin.git');
  rmSync(source, { recursive: true });
  return join(folder, 'origin.git');
}
