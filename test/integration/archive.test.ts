import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createArchive } from '../../runner/adapters/files/archive.ts';
import { intactSeal, sealed } from '../../runner/engine/report-seal.ts';
import { startScript } from '../support/child-process.ts';
import { dayMs, openHousekeepingLab, readArchive, type HousekeepingLab } from '../support/housekeeping-lab.ts';
import { anAttempt } from '../support/records.ts';

const july = Date.UTC(2026, 6, 31, 23, 59);
const august = Date.UTC(2026, 7, 1);

describe('the archive', () => {
  let data: string;
  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'archive-'));
  });
  afterEach(() => rm(data, { recursive: true }));
  const record = (key: string, at = august) => ({ key, at, content: { kind: 'job', text: `of "${key}"\n` } });
  const keys = (): string[] => readArchive(data).map(({ key }) => key);
  const files = (): string[] => readdirSync(join(data, 'archive')).sort();

  it('keeps each record as a line in the file of its month, for its owner alone', async () => {
    await createArchive(data).add([record('one', july), record('two'), record('three')]);
    expect(files()).toEqual(['2026-07.jsonl.gz', '2026-08.jsonl.gz']);
    expect(readArchive(data)).toEqual([
      { key: 'one', kind: 'job', text: 'of "one"\n' },
      { key: 'two', kind: 'job', text: 'of "two"\n' },
      { key: 'three', kind: 'job', text: 'of "three"\n' },
    ]);
    expect(statSync(join(data, 'archive')).mode & 0o777).toBe(0o700);
    expect(statSync(join(data, 'archive/2026-07.jsonl.gz')).mode & 0o777).toBe(0o600);
  });

  it('has a record once, however often it is added, also by a process that begins anew', async () => {
    const archive = createArchive(data);
    await archive.add([record('one'), record('one')]);
    await archive.add([record('one'), record('two')]);
    await createArchive(data).add([record('two'), record('three'), { ...record('one'), content: { other: 1 } }]);
    expect(keys()).toEqual(['one', 'two', 'three']);
  });

  it('takes records of several at once without losing any', async () => {
    const archive = createArchive(data);
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
    await Promise.all(names.map((name) => archive.add([record(name)])));
    expect(keys()).toEqual(names);
  });

  it('is not disturbed by what a killed process had half written', async () => {
    await createArchive(data).add([record('one')]);
    const whole = readFileSync(join(data, 'archive/2026-08.jsonl.gz'));
    writeFileSync(join(data, 'archive/2026-08.jsonl.gz.new'), Buffer.concat([whole, whole.subarray(0, 20)]));
    await createArchive(data).add([record('two')]);
    expect(keys()).toEqual(['one', 'two']);
    expect(files()).toEqual(['2026-08.jsonl.gz']);
  });

  it('keeps a file that is damaged as it is, says so and begins another', async () => {
    await createArchive(data).add([record('one')]);
    const file = join(data, 'archive/2026-08.jsonl.gz');
    const broken = readFileSync(file).subarray(0, -6);
    writeFileSync(file, broken);
    const [aside = ''] = await createArchive(data).add([record('two')]);
    expect(readFileSync(aside)).toEqual(broken);
    expect(keys()).toEqual(['two']);
  });
});

describe('the history', () => {
  let lab: HousekeepingLab;
  beforeEach(async () => {
    lab = await openHousekeepingLab('history: { keep: 90d, reports: 3 }');
  });
  afterEach(() => lab.dispose());
  const registry = () => lab.parts.dependencies.registry;
  const known = (): string[] =>
    registry()
      .jobs({ finished: true })
      .map(({ id }) => id)
      .sort();
  const at = async <Result>(daysAgo: number, work: () => Result | Promise<Result>): Promise<Result> => {
    lab.now = Date.now() - daysAgo * dayMs;
    try {
      return await work();
    } finally {
      lab.now = Date.now();
    }
  };

  it('moves jobs that were finished long ago into the archive with all that is known of them', async () => {
    const secret = `ghp_${'a1B2'.repeat(6)}`;
    const evidence = {
      argv: ['npm', 'test'],
      exitCode: 1,
      commit: 'c',
      durationMs: 1,
      tail: `${'x'.repeat(9_000)} ${secret}`,
    };
    await at(91, () => {
      lab.add('KL-1-1', { status: 'failed', title: `"${secret}"`, headCommit: null });
      const gate = { kind: 'merge', hash: '1234e567' } as const;
      registry().commit('KL-1-1/begin', null, {
        insertAttempt: anAttempt({
          id: 'KL-1-1.test.0',
          jobId: 'KL-1-1',
          evidence: [evidence],
          result: { text: 'y'.repeat(50_000) },
        }),
        decision: {
          jobId: 'KL-1-1',
          gate,
          kind: 'changes',
          comment: 'Please.',
          person: 'ada',
          device: null,
          channel: 'cli',
          at: 5,
          generation: 0,
        },
        retry: { jobId: 'KL-1-1', from: 'code', rounds: null, comment: 'Again', at: 6, generation: 1 },
        events: [{ type: 'job.failed', jobId: 'KL-1-1', data: { url: 'https://host:1', mail: 'a@b' } }],
      });
      registry().commit(null, null, { updateJob: { id: 'KL-1-1', fields: {} } });
    });
    await lab.parts.dependencies.vault.writeNote('20_runs/KL-1-1.md', 'What was done.\n', 'create');
    expect(await lab.run('history')).toEqual([]);
    const [line, ...others] = readArchive(lab.data);
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      kind: 'job',
      job: { id: 'KL-1-1', status: 'failed', title: '"[redacted]"' },
      decisions: [{ comment: 'Please.' }],
      retries: [{ comment: 'Again' }],
      events: [{ type: 'job.failed', data: { url: 'https://host:1', mail: 'a@b' } }],
      report: 'What was done.\n',
    });
    const [attempt] = line?.['attempts'] as { evidence: { tail: string }[]; result: { cut: string } }[];
    expect(attempt?.evidence[0]?.tail).toMatch(/^x{1900,1999} \[redacted\]$/);
    expect(attempt?.result.cut).toHaveLength(20_000);
    expect(known()).toEqual([]);
    expect(registry().effect('KL-1-1/begin')).toBeUndefined();
    expect(registry().highestNumber('KL-1')).toBe(1);
  });

  it('leaves jobs that are young, unfinished, or whose note has not been told', async () => {
    await at(89, () => lab.add('KL-1-1', { status: 'succeeded' }));
    await at(400, () => lab.add('KL-2-1', { status: 'waiting' }));
    await at(400, () => {
      lab.add('KL-3-1', { status: 'canceled' });
      registry().commit(null, null, { outbox: [{ jobId: 'KL-3-1', payload: { kind: 'report', jobId: 'KL-3-1' } }] });
    });
    await lab.run('history');
    expect(known()).toEqual(['KL-1-1', 'KL-2-1', 'KL-3-1']);
    expect(existsSync(join(lab.data, 'archive'))).toBe(false);
  });

  it('ends what was kept for a job: its commit, its logs, and a canceled job’s branch where the runner left it', async () => {
    const { worktrees, files } = lab.parts.dependencies;
    for (const id of ['KL-1-1', 'KL-2-1', 'KL-3-1']) {
      const commit = await lab.commit(await lab.tree(id, { [`${id}.txt`]: 'x\n' }));
      await worktrees.push(lab.repository, `opus/${id}`, commit, null);
      await at(91, () =>
        lab.add(id, {
          status: id === 'KL-3-1' ? 'failed' : 'canceled',
          headCommit: id === 'KL-2-1' ? lab.git('rev-parse', 'main').trim() : commit,
        }),
      );
      const log = files.logFile(id, 'attempt');
      mkdirSync(join(log, '..'), { recursive: true });
      writeFileSync(log, 'x');
      for (const path of [log, join(log, '..')]) utimesSync(path, 1, 1);
    }
    await at(91, () => lab.add('KL-4-1', { status: 'succeeded' }));
    await lab.run('history');
    expect(await worktrees.keptJobs(lab.repository, 'main')).toEqual([]);
    const left = lab.git('for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/opus/').trim().split('\n');
    expect(left).toEqual(['opus/KL-2-1', 'opus/KL-3-1']);
    expect(readdirSync(join(lab.data, 'logs')).filter((name) => name.startsWith('KL'))).toEqual([]);
    expect(readdirSync(join(lab.data, 'worktrees'))).toEqual([]);
  });

  it('goes on after a kill at any moment, and has every job once', async () => {
    // Two rounds of fifty at most.
    const ids = Array.from({ length: 60 }, (_, index) => `KL-${index + 101}-1`);
    await at(91, () => {
      for (const id of ids) lab.add(id, { status: 'succeeded' });
    });
    await lab.pause();
    const moments = ['rename', 'renamed', 'forget KL-130-1', 'copy', 'forget KL-160-1'];
    for (const moment of moments) {
      const killed = startScript('shorten-history.ts', lab.config, moment);
      await killed.line((line) => line === moment);
      await killed.kill();
      const archived = existsSync(join(lab.data, 'archive')) ? readArchive(lab.data).map(({ key }) => key) : [];
      expect(new Set(archived).size).toBe(archived.length);
    }
    const last = startScript('shorten-history.ts', lab.config);
    await last.line((line) => line === 'end');
    expect(await last.ended()).toBe(0);
    expect(last.lines).toEqual(['forget KL-160-1', 'end']);
    expect(readArchive(lab.data).map(({ job }) => (job as { id: string }).id)).toEqual(ids);
    expect(readdirSync(join(lab.data, 'archive')).filter((name) => name.endsWith('.new'))).toEqual([]);
    await lab.restart();
    expect(known()).toEqual([]);
    expect(registry().highestNumber('KL-160')).toBe(1);
  });

  it('a job that goes on while it is archived stays', async () => {
    await at(91, () => lab.add('KL-1-1', { status: 'failed' }));
    const { files } = lab.parts.dependencies;
    const removeJob = files.removeJob.bind(files);
    Object.assign(files, {
      removeJob: async (id: string) => {
        await removeJob(id);
        registry().commit(null, null, { updateJob: { id, fields: { status: 'running' } } });
      },
    });
    await lab.run('history');
    expect(known()).toEqual(['KL-1-1']);
  });

  it('the database does not grow when jobs come and go', async () => {
    const round = async (): Promise<number> => {
      await at(91, () => {
        for (let index = 1; index <= 30; index += 1) {
          const id = `KL-${index}-${registry().highestNumber(`KL-${index}`) + 1}`;
          lab.add(id, { status: 'succeeded' });
          const events = Array.from({ length: 20 }, () => ({ type: 'x', jobId: id, data: { text: 'x'.repeat(500) } }));
          registry().commit(`${id}/effect`, 'x'.repeat(2_000), { events });
        }
        registry().commit(null, null, { events: [{ type: 'y', jobId: null, data: { text: 'x'.repeat(20_000) } }] });
      });
      await lab.run('history');
      await lab.run('pruning');
      await lab.restart();
      return statSync(join(lab.data, 'registry.db')).size;
    };
    await round();
    const first = await round();
    let last = 0;
    for (let count = 0; count < 4; count += 1) last = await round();
    expect(last).toBeLessThanOrEqual(first + 65_536);
    expect(first).toBeGreaterThan(300_000);
  });

  it('events count on when the newest is forgotten', async () => {
    await at(91, () => {
      lab.add('KL-1-1', { status: 'succeeded' });
      registry().commit(null, null, { events: [{ type: 'x', jobId: 'KL-1-1', data: {} }] });
    });
    const before = registry().lastEventSeq();
    await lab.run('history');
    expect(known()).toEqual([]);
    expect(registry().lastEventSeq()).toBe(before);
  });

  describe('of run reports', () => {
    const put = async (name: string, text: string, age: number): Promise<void> => {
      await lab.parts.dependencies.vault.writeNote(`20_runs/${name}.md`, text, 'create');
      const time = Date.now() / 1_000 - age;
      utimesSync(join(lab.folder, 'vault/20_runs', `${name}.md`), time, time);
    };
    const there = (): string[] => readdirSync(join(lab.folder, 'vault/20_runs')).sort();

    it('moves the oldest of finished jobs into the archive; what a person has changed, or what may be needed, stays', async () => {
      for (const [id, status] of [
        ['KL-1-1', 'succeeded'],
        ['KL-2-1', 'waiting'],
        ['KL-3-1', 'failed'],
        ['KL-4-1', 'succeeded'],
        ['KL-5-1', 'succeeded'],
        ['KL-6-1', 'succeeded'],
        ['KL-6-2', 'succeeded'],
      ] as const)
        lab.add(id, { status });
      await put('KL-1-1', `${sealed('One\n')}And what I thought of it.\n`, 900);
      await put('KL-2-1', sealed('Two\n'), 800);
      await put('KL-9-1', sealed('Of a registry that was lost\n'), 750);
      await put('KL-3-1', sealed('Three\n').replace('Three', 'Drei'), 700);
      await put('KL-4-1', sealed('Four\n'), 600);
      await put('My notes', 'Mine\n', 550);
      await put('KL-5-1', sealed('Five\n'), 500);
      await put('KL-6-1', sealed('Six\n'), 400);
      expect(await lab.run('history')).toEqual([]);
      expect(there()).toEqual(['KL-1-1.md', 'KL-2-1.md', 'KL-3-1.md', 'KL-9-1.md', 'My notes.md']);
      expect(readArchive(lab.data)).toMatchObject([
        { kind: 'report', job: 'KL-4-1', path: '20_runs/KL-4-1.md', text: sealed('Four\n') },
        { kind: 'report', job: 'KL-5-1' },
        { kind: 'report', job: 'KL-6-1' },
      ]);
      expect(readdirSync(join(lab.folder, 'vault/.trash'))).toEqual([]);
    });

    it('takes no more than are too many, oldest first, also of jobs that are archived', async () => {
      for (let number = 1; number <= 5; number += 1) {
        await at(91, () => lab.add(`KL-1-${number}`, { status: 'succeeded' }));
        await put(`KL-1-${number}`, sealed(`${number}\n`), 100 * (6 - number));
      }
      await lab.run('history');
      expect(known()).toEqual([]);
      expect(there()).toEqual(['KL-1-3.md', 'KL-1-4.md', 'KL-1-5.md']);
      await lab.run('history');
      expect(there()).toHaveLength(3);
      expect(registry().highestNumber('KL-1')).toBe(5);
    });

    it('leaves them all in a vault that is synchronised with git: somebody would have to commit that they are gone', async () => {
      const config = readFileSync(lab.config, 'utf8');
      writeFileSync(lab.config, config.replace('{ path: ./vault }', '{ path: ./vault, git: { remote: origin } }'));
      await lab.restart();
      for (let number = 1; number <= 5; number += 1) {
        lab.add(`KL-1-${number}`, { status: 'succeeded' });
        await put(`KL-1-${number}`, sealed('Text\n'), 100);
      }
      expect(await lab.run('history')).toEqual([]);
      expect(there()).toHaveLength(5);
    });

    it('writes reports that can be told from those that a person has changed', async () => {
      lab.add('KL-1-1', { status: 'succeeded' });
      registry().commit(null, null, { outbox: [{ jobId: 'KL-1-1', payload: { kind: 'report', jobId: 'KL-1-1' } }] });
      await lab.parts.runtime.tell();
      const report = readFileSync(join(lab.folder, 'vault/20_runs/KL-1-1.md'), 'utf8');
      expect(report).toContain('# KL-1-1: ');
      expect(intactSeal(report)).toMatch(/^[0-9a-f]{64}$/);
      for (const changed of [
        report.replace('# KL', '#  KL'),
        `${report}x`,
        report.replace(/%%.*%%\n$/, ''),
        report.replaceAll('\n', '\r\n'),
      ]) {
        expect(intactSeal(changed)).toBeNull();
      }
    });
  });
});
