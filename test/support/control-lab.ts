import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { jobDocument, type JobDocument } from '#shared/domain/job.ts';
import { openRegistryReader } from '../../runner/adapters/registry/registry-reader.ts';
import type { RegistryReader } from '../../runner/core/ports/job-registry.ts';
import { readServiceFile } from '../../runner/server/service-file.ts';
import { agentScript, agentsAtWork } from './agent-gate.ts';
import { plainGit } from './git-lab.ts';

const program = join(import.meta.dirname, '../../bin/opus.mjs');

export interface ControlLabOptions {
  /** Lines of opus.yml beside the vault, the repositories and the data folder. */
  readonly config?: readonly string[];
  /** Further properties of the repository `app`, as YAML in braces would have them. */
  readonly app?: string;
  /** Lines of the policy note. */
  readonly policy?: readonly string[];
  /** Further lines of the agent notes, by agent. */
  readonly agents?: Readonly<Record<string, readonly string[]>>;
}

export interface CommandEnd {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServedProcess {
  readonly pid: number;
  /** Told to end as systemd tells it; its exit code. */
  stop(): Promise<number | null>;
}

/** A vault, two repositories and shell agents that end when the test lets them, with the real service and command line. */
export interface ControlLab {
  readonly folder: string;
  readonly data: string;
  readonly vault: string;
  /** Saves a new planned note, or writes one anew. */
  note(id: string, properties?: Readonly<Record<string, string>>, body?: string): void;
  edit(id: string, change: (text: string) => string): void;
  text(id: string): string;
  /** A property of a note; empty when it has none. */
  property(id: string, key: string): string;
  /** Settles when the note says so. */
  says(id: string, key: string, value: string | RegExp): Promise<void>;
  /** From now on the request's agent of that stage waits. */
  hold(id: string, stage?: string): void;
  letGo(id: string, stage?: string): void;
  /** The request's agents end with an error. */
  breakDown(id: string): void;
  /** The reviewer says no to the request, or not any more. */
  refuse(id: string, refused: boolean): void;
  /** Agents at work, as `FR-1.code`. */
  agents(): string[];
  /** Settles when exactly these agents are at work. */
  working(...agents: string[]): Promise<void>;
  serve(): Promise<ServedProcess>;
  /** The command line, as a process of its own that is ended with the lab. */
  start(...words: string[]): ChildProcess;
  opus(...words: string[]): Promise<CommandEnd>;
  /** One JSON document, of a command that ends with `exit`. */
  json(exit: number, ...words: string[]): Promise<unknown>;
  job(exit: number, ...words: string[]): Promise<JobDocument>;
  /** What the registry says of the request's newest job, or `none`: `running`, `waiting approval`, `paused`. */
  standing(id: string): string;
  stands(id: string, standing: string): Promise<void>;
  /** Stage and outcome of each attempt, in order. */
  story(job: string): string[];
  /** The requests of the jobs to which this happened, in order; with the event's data where it is asked for. */
  events(
    type: string,
  ): { readonly fr: string; readonly seq: number; readonly data: Readonly<Record<string, unknown>> }[];
  registry<Result>(use: (registry: RegistryReader) => Result): Result;
  git(repository: string, ...words: string[]): string;
  close(): Promise<void>;
}

export function makeControlLab(options: ControlLabOptions = {}): ControlLab {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'control-')));
  const vault = join(folder, 'vault');
  const data = join(folder, 'data');
  const holds = join(folder, 'holds');
  const script = join(folder, 'agents/agent.sh');
  const children: ChildProcess[] = [];
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const notePath = (id: string): string => join(vault, '10_features', `${id}.md`);
  mkdirSync(holds);
  mkdirSync(join(vault, '10_features'), { recursive: true });
  write('agents/agent.sh', agentScript);
  for (const stage of ['code', 'review']) {
    const command = JSON.stringify(['/bin/sh', script, holds, stage, '{{job}}']);
    const more = options.agents?.[stage] ?? [];
    write(
      `vault/00_system/opus/agents/${stage}r.md`,
      ['---', `stage: ${stage}`, 'driver: command', `command: ${command}`, `reads: [${holds}]`, ...more, '---'].join(
        '\n',
      ) + '\n{{ fr.title }} {{ comment }}\n',
    );
  }
  const policy = ['backlog: dispatch', 'stages: [code, test, review]', ...(options.policy ?? [])];
  const said = policy.filter(
    (line, at) => !policy.slice(at + 1).some((later) => later.split(':')[0] === line.split(':')[0]),
  );
  write('vault/00_system/opus/config.md', `---\n${said.join('\n')}\n---\n`);
  for (const name of ['app', 'web']) {
    const source = join(folder, `source-${name}`);
    write(`source-${name}/README`, `${name}\n`);
    plainGit(folder, 'init', '-q', '-b', 'main', source);
    plainGit(source, 'add', '-A');
    plainGit(source, 'commit', '-qm', 'First');
    plainGit(folder, 'clone', '-q', '--bare', source, join(folder, `${name}.git`));
    rmSync(source, { recursive: true });
  }
  const defaults = [
    'trust: auto',
    'server: { port: 0 }',
    'concurrency: 3',
    'retry: { attempts: 1, base: 1ms }',
    'timeouts: { grace: 1s }',
    'rounds: 1',
  ];
  const config = options.config ?? [];
  write(
    'opus.yml',
    [
      'vault: { path: ./vault }',
      'repos:',
      `  app: { url: ./app.git, test: test -s README${options.app === undefined ? '' : `, ${options.app}`} }`,
      '  web: { url: ./web.git, test: test -s README }',
      'data: ./data',
      ...defaults.filter((line) => !config.some((own) => own.split(':')[0] === line.split(':')[0])),
      ...config,
      '',
    ].join('\n'),
  );

  const start = (...words: string[]): ChildProcess => {
    const child = spawn(process.execPath, [program, ...words, '--config', join(folder, 'opus.yml')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: folder,
      env: { ...process.env, OPUS_FROM_SOURCE: '1', NO_COLOR: '1' },
    });
    children.push(child);
    return child;
  };

  const lab: ControlLab = {
    folder,
    data,
    vault,
    note(id, properties = {}, body = `The body of ${id}.`) {
      const lines = Object.entries({ id, title: `Request ${id}`, status: 'planned', ...properties });
      writeFileSync(notePath(id), `---\n${lines.map(([key, value]) => `${key}: ${value}`).join('\n')}\n---\n${body}\n`);
    },
    edit(id, change) {
      writeFileSync(notePath(id), change(readFileSync(notePath(id), 'utf8')));
    },
    text: (id) => readFileSync(notePath(id), 'utf8'),
    property(id, key) {
      const value = new RegExp(`^${key}: (.*)$`, 'm').exec(readFileSync(notePath(id), 'utf8'))?.[1] ?? '';
      return value.startsWith('"') ? (JSON.parse(value) as string) : value;
    },
    async says(id, key, value) {
      await vi.waitFor(() => {
        if (typeof value === 'string') expect(lab.property(id, key)).toBe(value);
        else expect(lab.property(id, key)).toMatch(value);
      }, 10_000);
    },
    hold(id, stage = 'code') {
      writeFileSync(join(holds, `${id}.${stage}`), '');
    },
    letGo(id, stage = 'code') {
      rmSync(join(holds, `${id}.${stage}`), { force: true });
    },
    breakDown(id) {
      writeFileSync(join(holds, `${id}.broken`), '');
    },
    refuse(id, refused) {
      if (refused) writeFileSync(join(holds, `${id}.refused`), '');
      else rmSync(join(holds, `${id}.refused`), { force: true });
    },
    agents: () => agentsAtWork(script),
    async working(...agents) {
      await vi.waitFor(
        () => {
          const found = agentsAtWork(script);
          const wanted = [...agents].sort();
          if (found.join() !== wanted.join()) throw new Error(`At work: ${found.join(', ')}; not ${wanted.join(', ')}`);
        },
        { timeout: 20_000, interval: 40 },
      );
    },
    start,
    async serve() {
      const child = start('serve');
      let said = '';
      child.stdout?.on('data', () => undefined);
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
      const exit = once(child, 'exit');
      await vi.waitFor(
        () => {
          if (child.exitCode !== null) throw new Error(`The service ended: ${said}`);
          if (readServiceFile(data)?.pid !== child.pid || !/The service runs at/.test(said))
            throw new Error(`Not yet: ${said}`);
        },
        { timeout: 20_000, interval: 20 },
      );
      return {
        pid: child.pid ?? 0,
        async stop() {
          child.kill('SIGTERM');
          await exit;
          return child.exitCode;
        },
      };
    },
    async opus(...words) {
      const child = start(...words);
      let stdout = '';
      let stderr = '';
      child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      await once(child, 'close');
      return { exit: child.exitCode, stdout, stderr };
    },
    async json(exit, ...words) {
      const ended = await lab.opus(...words, '--json');
      if (ended.exit !== exit)
        throw new Error(`opus ${words.join(' ')} ended with ${ended.exit}: ${ended.stdout}${ended.stderr}`);
      return JSON.parse(ended.stdout) as unknown;
    },
    job: async (exit, ...words) => jobDocument.parse(await lab.json(exit, ...words)),
    standing: (id) =>
      lab.registry((registry) => {
        const job = registry.newestJobOf(id);
        if (job === null) return 'none';
        return job.waitingFor === null ? job.status : `${job.status} ${job.waitingFor}`;
      }),
    async stands(id, standing) {
      await vi.waitFor(
        () => {
          const found = existsSync(join(data, 'registry.db')) ? lab.standing(id) : 'none';
          if (found !== standing) throw new Error(`${id} is ${found}, not ${standing}`);
        },
        { timeout: 20_000, interval: 25 },
      );
    },
    story: (job) => lab.registry((registry) => registry.attempts(job)).map(({ stage, status }) => `${stage} ${status}`),
    events: (type) =>
      lab
        .registry((registry) => registry.events({ afterSeq: 0, limit: 10_000 }))
        .filter((event) => event.type === type)
        .map(({ jobId, seq, data }) => ({ fr: (jobId ?? '').replace(/-\d+$/, ''), seq, data })),
    registry(use) {
      const registry = openRegistryReader({ file: join(data, 'registry.db') });
      try {
        return use(registry);
      } finally {
        registry.close();
      }
    },
    git: (repository, ...words) => plainGit(join(folder, `${repository}.git`), ...words),
    async close() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return lab;
}
