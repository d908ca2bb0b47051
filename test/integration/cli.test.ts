import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jobDocument } from '#shared/domain/job.ts';

const bin = join(import.meta.dirname, '../../bin/opus.mjs');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A real process, as a person's shell would start it. */
function opus(cwd: string, ...args: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, out, err });
    });
  });
}

function json(ended: Ended): unknown {
  return JSON.parse(ended.out);
}

describe("a project of one's own", () => {
  let folder: string;
  const init = [
    'init',
    '--vault',
    './vault',
    '--repo',
    'app=./app.git@main',
    '--test',
    'npm test',
    '--agent',
    'node x.mjs',
  ];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cli-'));
    const made = await opus(folder, ...init);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toContain('wrote  opus.yml');
    expect(made.out).toContain('Confirmed');
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('is valid as init wrote it, with every note in force', async () => {
    expect(await opus(folder, 'fr', 'validate')).toMatchObject({
      code: 0,
      out: '5 notes: nothing is wrong.\n',
      err: '',
    });
    expect(await opus(folder, 'trust')).toMatchObject({
      code: 0,
      out: 'Nothing to confirm: all 5 notes are in force.\n',
    });
    expect(readFileSync(join(folder, 'opus.yml'), 'utf8')).toContain(
      'app: { url: ./app.git, base: main, forge: local, test: npm test }',
    );
  });

  test('stays as it is when init is called again', async () => {
    const config = join(folder, 'opus.yml');
    const before = readFileSync(config, 'utf8');
    const again = await opus(folder, 'init', '--vault', './elsewhere', '--repo', 'other=/r.git');
    expect(again.code).toBe(0);
    expect(again.out).not.toContain('wrote');
    expect(again.err).toContain('stays as it is');
    expect(readFileSync(config, 'utf8')).toBe(before);
    const document = json(await opus(folder, 'init', '--json')) as {
      readonly written: string[];
      readonly kept: string[];
    };
    expect(document.written).toEqual([]);
    expect(document.kept).toContain(config);
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
  });

  test('takes new requests, whatever their titles, with the next free id', async () => {
    const first = json(await opus(folder, 'fr', 'new', 'Say "hi": #1', '--json')) as {
      readonly id: string;
      readonly path: string;
    };
    const second = json(await opus(folder, 'fr', 'new', '--json', '--', '---')) as typeof first;
    expect([first.id, second.id]).toEqual(['FR-001', 'FR-002']);
    const list = json(await opus(folder, 'fr', 'list', '--json')) as {
      readonly title: string;
      readonly problems: unknown[];
    }[];
    expect(list.map(({ title }) => title)).toEqual(['Say "hi": #1', '---']);
    expect(list.flatMap(({ problems }) => problems)).toEqual([]);
    expect((await opus(folder, 'fr', 'validate')).code).toBe(0);
  });

  test('has no jobs yet, and says so in both languages', async () => {
    expect(json(await opus(folder, 'status', '--json'))).toEqual({ runner: null, jobs: [] });
    expect(json(await opus(folder, 'job', 'list', '--json'))).toEqual([]);
    expect((await opus(folder, 'status')).out).toContain('There are no jobs yet.');
    const show = await opus(folder, 'job', 'show', 'FR-001', '--json');
    expect(show.code).toBe(2);
    expect(json(show)).toMatchObject({ error: { code: 'registry.job-not-found' } });
  });

  test('says which line of which note is wrong and what to write instead', async () => {
    const note = join(folder, 'vault/10_features/03_planned/FR-009-odd.md');
    writeFileSync(note, '---\nid: FR-009\ntitle: Odd\nstatus: plannd\n---\n');
    const ended = await opus(folder, 'fr', 'validate');
    expect(ended.code).toBe(2);
    expect(ended.out).toMatch(/FR-009-odd\.md:4: error: .*plannd.*\n {4}.*planned/);
    const report = json(await opus(folder, 'fr', 'validate', '--json')) as {
      readonly errors: number;
      readonly problems: unknown[];
    };
    expect(report).toMatchObject({ errors: 1, problems: [{ line: 4, severity: 'error' }] });
    rmSync(note);
  });

  test('keeps a changed agent note out of force until a person confirms it', async () => {
    const note = join(folder, 'vault/00_system/opus/agents/coder.md');
    const text = readFileSync(note, 'utf8');
    writeFileSync(note, text.replace('x.mjs', 'y.mjs'));
    const shown = await opus(folder, 'trust');
    expect(shown.code).toBe(3);
    expect(shown.out).toMatch(
      /changed +00_system\/opus\/agents\/coder\.md[\s\S]*-command: \[node, x\.mjs\]\n +\+command: \[node, y\.mjs\]/,
    );
    expect(shown.err).toContain('trust --all');
    const waiting = await opus(folder, 'trust', '--json');
    const change = {
      path: '00_system/opus/agents/coder.md',
      kind: 'agent',
      state: 'changed',
      before: text,
      problems: [],
    };
    expect(waiting.code).toBe(3);
    expect(json(waiting)).toEqual([{ ...change, after: text.replace('x.mjs', 'y.mjs') }]);
    writeFileSync(note, text.replace('stage: code', 'stage: cod'));
    expect(await opus(folder, 'trust', '--all')).toMatchObject({ code: 2 });
    writeFileSync(note, text.replace('x.mjs', 'y.mjs'));
    const confirmed = await opus(folder, 'trust', '--all', '--json');
    expect(confirmed.code).toBe(0);
    expect(json(confirmed)).toMatchObject([change]);
    expect(await opus(folder, 'trust')).toMatchObject({ code: 0 });
    const nothing = await opus(folder, 'trust', '--json');
    expect([nothing.code, json(nothing)]).toEqual([0, []]);
  });

  test('is looked at by the doctor, who names what mends it', async () => {
    const ended = await opus(folder, 'doctor', '--json');
    expect(ended.code).toBe(1);
    const { ok, checks } = json(ended) as {
      readonly ok: boolean;
      readonly checks: { readonly name: string; readonly state: string; readonly fix: string | null }[];
    };
    expect(ok).toBe(false);
    const repository = checks.find(({ name }) => name === 'repos.app');
    expect(repository).toMatchObject({ state: 'missing', fix: expect.stringContaining('git init --bare') as string });
    expect(checks.filter(({ state, fix }) => state !== 'ok' && fix === null)).toEqual([]);
    expect(checks.find(({ name }) => name === 'git')).toMatchObject({ state: 'ok' });
  });

  test('with a broken opus.yml says every line that is wrong, and ends with 2', async () => {
    const broken = join(folder, 'broken.yml');
    writeFileSync(broken, 'vault: { path: ./vault }\nrepo:\n  app: { url: ./app.git }\nsandbox: perhaps\n');
    for (const words of [['status'], ['run', 'FR-001'], ['doctor'], ['fr', 'list']]) {
      const ended = await opus(folder, ...words, '--config', broken, '--json');
      expect([words[0], ended.code]).toEqual([words[0], 2]);
      expect(() => json(ended)).not.toThrow();
      expect(ended.err).not.toMatch(/\n\s+at /);
    }
    expect((await opus(folder, 'status', '--config', broken)).err).toMatch(/broken\.yml:2.*repo[\s\S]*broken\.yml:4/);
  });

  test('notices that an opus.yml which was fine is no longer', async () => {
    const config = join(folder, 'opus.yml');
    const text = readFileSync(config, 'utf8');
    expect((await opus(folder, 'status')).code).toBe(0);
    writeFileSync(config, `${text}sandbox: off\n`);
    expect((await opus(folder, 'status')).err).toContain('WITHOUT a sandbox');
    expect((await opus(folder, 'status')).err).toContain('WITHOUT a sandbox');
    writeFileSync(config, `${text}dta: elsewhere\n`);
    expect(await opus(folder, 'status')).toMatchObject({ code: 2, out: '' });
    writeFileSync(config, text);
  });

  test('answers wrong input with one sentence and 2', async () => {
    for (const words of [
      ['rn'],
      ['run'],
      ['run', 'FR-777'],
      ['approve'],
      ['--config', 'nowhere.yml', 'status'],
      ['fr', 'new', ' '],
    ]) {
      const ended = await opus(folder, ...words);
      expect([words, ended.code]).toEqual([words, 2]);
      expect(ended.err.split('\n')[0]).toMatch(/^error .+\. \([a-z]+\.[a-z-]+\)$|Did you mean/);
      expect(ended.out).toBe('');
    }
  });
});

describe('the demo', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cli-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('goes to the merge gate, stays there when it is repeated, and merges on approval', async () => {
    const first = await opus(folder, 'demo', '--once', '--json');
    expect(first.code, first.err).toBe(0);
    const document = jobDocument.parse(json(first));
    expect(document).toMatchObject({
      job: 'FR-001-1',
      status: 'waiting',
      waitingFor: 'approval',
      rounds: 1,
      error: null,
    });
    const second = jobDocument.parse(json(await opus(folder, 'demo', '--once', '--json')));
    expect(second).toMatchObject({ job: 'FR-001-1', gate: document.gate, commit: document.commit });
    const status = json(await opus(folder, 'status', '--json')) as { readonly jobs: unknown[] };
    expect(status.jobs).toEqual([second]);
    expect((await opus(folder, 'job', 'diff', 'FR-001')).out).toContain('+++ b/src/parse.js');
    expect((await opus(folder, 'job', 'log', 'FR-001', '--stage', 'review')).out).toContain('demo agent');
    const log = json(await opus(folder, 'job', 'log', 'FR-001', '--stage', 'review', '--json')) as object[];
    expect(log.length).toBeGreaterThan(0);
    expect(log[0]).toEqual({
      stage: 'review',
      round: expect.any(Number) as number,
      attempt: 1,
      agent: expect.any(String) as string,
      status: expect.any(String) as string,
      name: expect.stringMatching(/\.log$/) as string,
      text: expect.stringContaining('demo agent') as string,
    });
    const done = await opus(folder, 'approve', 'FR-001', '--json');
    expect(done.code, done.err).toBe(0);
    expect(jobDocument.parse(json(done))).toMatchObject({ status: 'succeeded', pr: { state: 'merged' }, gate: null });
    const again = await opus(folder, 'approve', 'FR-001');
    expect(again).toMatchObject({ code: 2, out: '' });
  });

  test('never touches a folder that it did not make', async () => {
    const foreign = join(folder, 'mine');
    await opus(folder, 'demo', '--dir', join(folder, '.opus-demo', 'vault'));
    writeFileSync(`${foreign}.txt`, 'x');
    const ended = await opus(folder, 'demo', '--dir', folder);
    expect(ended.code).toBe(2);
    expect(ended.err).toContain('left alone');
    expect(readFileSync(`${foreign}.txt`, 'utf8')).toBe('x');
  });
});
