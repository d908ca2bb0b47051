import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { patience, startService, type ServiceOptions, type ServiceProcess } from '../service-process.ts';

const examples = join(import.meta.dirname, '../../../examples');

/** The example vault, repository and agent in a folder of their own, and a runner beside them. */
export interface ExampleWorld {
  readonly folder: string;
  readonly vault: string;
  readonly data: string;
  readonly config: string;
  /** The same after a restart. */
  readonly url: string;
  note(path: string): string;
  write(path: string, text: string): void;
  git(...parameters: string[]): string;
  start(options?: ServiceOptions): Promise<ServiceProcess>;
  /** Waits until a note reads so. */
  noteReads(path: string, pattern: RegExp): Promise<void>;
}

export interface WorldOptions {
  readonly writer?: 'runner' | 'plugin';
  readonly trust?: 'auto' | 'confirm';
  /** Each costs time: where the plan is not looked at, none is made. */
  readonly isPlanned?: boolean;
  /** Lines that are added to opus.yml. */
  readonly config?: readonly string[];
}

export async function makeExampleWorld(options: WorldOptions = {}): Promise<ExampleWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'w-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const vault = join(folder, 'vault');
  for (const name of ['vault', 'agent']) cpSync(join(examples, name), join(folder, name), { recursive: true });
  const source = join(folder, 'source');
  cpSync(join(examples, 'repo'), source, { recursive: true });
  runGit('init', '-q', '-b', 'main', source);
  runGit('-C', source, 'add', '-A');
  runGit('-C', source, 'commit', '-qm', 'First');
  mkdirSync(join(folder, 'repos'));
  const origin = join(folder, 'repos/app.git');
  runGit('clone', '-q', '--bare', source, origin);
  const port = await freePort();
  const config = join(folder, 'opus.yml');
  const { writer = 'runner', trust = 'auto', isPlanned = false } = options;
  if (!isPlanned) {
    const policy = 'dispatch: auto\nbacklog: ask\nstages: [code, test, review]';
    writeFileSync(join(vault, '00_system/opus/config.md'), `---\n${policy}\n---\n`);
  }
  const place = writer === 'plugin' ? '{ writer: plugin }' : '{ path: ./vault }';
  writeFileSync(
    config,
    [
      `vault: ${place}`,
      'repos: { app: { url: ./repos/app.git, base: main, forge: local, test: node --test } }',
      'data: ./.opus',
      `server: { host: 127.0.0.1, port: ${port} }`,
      `trust: ${trust}`,
      'polling: { active: 200ms, idle: 200ms }',
      'retry: { attempts: 3, base: 1ms, factor: 2, max: 5ms }',
      ...(options.config ?? []),
      '',
    ].join('\n'),
  );
  const data = join(folder, '.opus');
  const note = (path: string): string => readFileSync(join(vault, path), 'utf8');
  return {
    folder,
    vault,
    data,
    config,
    url: `http://127.0.0.1:${port}`,
    note,
    write(path, text) {
      mkdirSync(join(vault, path, '..'), { recursive: true });
      writeFileSync(join(vault, path), text);
    },
    git: (...parameters) => runGit('--git-dir', origin, ...parameters),
    start: (serviceOptions) => startService({ config, data }, serviceOptions),
    async noteReads(path, pattern) {
      await vi.waitFor(() => {
        if (!pattern.test(note(path))) throw new Error(`${path} does not read ${String(pattern)} yet:\n${note(path)}`);
      }, patience);
    },
  };
}

/** Of the notes of the example vault. */
export const exampleNotes = {
  compound: '10_features/03_planned/FR-001-compound-spans.md',
  fewer: '10_features/03_planned/FR-002-fewer-parts.md',
  signed: '10_features/03_planned/FR-003-signed-spans.md',
  idea: '10_features/01_ideas/FR-004-weeks.md',
} as const;

/** A service that is killed comes back at the same place. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function runGit(...parameters: string[]): string {
  return execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...parameters], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
