import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { schemaVersion } from '../../runner/adapters/registry/migrations.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { acquireRunnerLock } from '../../runner/adapters/registry/runner-lock.ts';
import { runProgram } from '../../runner/cli/program.ts';
import { fakeTerminal, type FakeTerminal } from '../support/fake-terminal.ts';
import { makeKillLab } from '../support/kill-lab.ts';
import { aJob } from '../support/records.ts';

let folder: string;
let data: string;
let file: string;
const clock = { now: () => 1 };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backup-cli-'));
  makeKillLab(folder);
  data = join(folder, 'data');
  file = join(data, 'registry.db');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function opus(...args: string[]): Promise<FakeTerminal & { readonly code: number }> {
  const terminal = fakeTerminal({ cwd: folder });
  const code = await runProgram(['backup', ...args], terminal);
  return { ...terminal, code };
}
const json = (terminal: FakeTerminal): unknown => JSON.parse(terminal.outLines.join('\n'));

function addJob(number: number): void {
  const registry = openRegistry({ file, clock });
  registry.commit(null, null, { insertJob: aJob({ id: `FR-1-${number}`, number }) });
  registry.close();
}

function jobs(): string[] {
  const registry = openRegistry({ file, clock });
  const ids = registry.jobs({ finished: true }).map(({ id }) => id);
  registry.close();
  return ids;
}

async function made(): Promise<{ readonly name: string; readonly path: string }> {
  return json(await opus('create', '--json')) as { name: string; path: string };
}

describe('opus backup list', () => {
  it('says how to make the first', async () => {
    const listed = await opus('list');
    expect(listed.outLines).toEqual([
      expect.stringMatching(/^There are no backups yet\. Make one with: .+ backup create$/),
    ]);
    expect(json(await opus('list', '--json'))).toEqual([]);
    expect(existsSync(data)).toBe(false);
  });

  it('has the newest first, with when and why it was made', async () => {
    addJob(1);
    const first = await made();
    const second = await made();
    const listed = await opus('list');
    expect(listed.outLines).toEqual([
      expect.stringMatching(/^name +made +size +why +schema +by opus$/),
      expect.stringMatching(new RegExp(`^${second.name} +\\d{4}-.+ UTC +\\d+ kB +asked +${schemaVersion} +\\d`)),
      expect.stringContaining(first.name),
    ]);
    expect(json(await opus('list', '--json'))).toMatchObject([
      {
        name: second.name,
        path: second.path,
        reason: 'asked',
        schema: schemaVersion,
        at: expect.stringMatching(/^\d{4}-.+Z$/) as string,
      },
      { name: first.name },
    ]);
  });
});

describe('opus backup create', () => {
  it('works beside a runner that writes', async () => {
    const lock = acquireRunnerLock(data);
    const registry = openRegistry({ file, clock });
    registry.commit(null, null, { insertJob: aJob() });
    const created = await opus('create');
    expect(created).toMatchObject({ code: 0, outLines: [expect.stringContaining(join(data, 'backups'))] });
    registry.close();
    lock.release();
  });

  it('keeps as many as opus.yml says', async () => {
    addJob(1);
    const config = join(folder, 'opus.yml');
    writeFileSync(config, `backup: { keep: 1 }\n`, { flag: 'a' });
    await opus('create');
    const again = await opus('create');
    expect(again.outLines[1]).toBe('The oldest was removed.');
    expect(readdirSync(join(data, 'backups'))).toHaveLength(1);
  });

  it('says when there is nothing yet to back up', async () => {
    await expect(opus('create')).rejects.toMatchObject({ code: 'registry.no-backup' });
  });
});

describe('opus backup restore', () => {
  it('puts the named one in place and tells where the old one went and what to do next', async () => {
    addJob(1);
    const { name } = await made();
    addJob(2);
    const restored = await opus('restore', name, '--yes');
    expect(restored.code).toBe(0);
    const said = restored.outLines.join('\n');
    expect(said).toMatch(/Devices that were revoked since then may connect again\. Look with: .*devices list/);
    expect(said.match(/what was there is now .+registry\.db\.before-restore-\w+$/gm)).toHaveLength(1);
    expect(said).not.toMatch(/-(wal|shm)$/m);
    expect(said).toMatch(/Look with: .+ status/);
    expect(jobs()).toEqual(['FR-1-1']);
  });

  it('takes the newest that is undamaged for latest, and tells it as JSON', async () => {
    addJob(1);
    const { name } = await made();
    addJob(2);
    writeFileSync((await made()).path, 'garbage');
    const restored = await opus('restore', 'latest', '--yes', '--json');
    expect(json(restored)).toMatchObject({
      restored: { name, reason: 'asked' },
      movedTo: expect.arrayContaining([expect.stringMatching(/registry\.db\.before-restore-\w+$/)]) as string[],
    });
    expect(jobs()).toEqual(['FR-1-1']);
  });

  it('is refused while a runner works here, and names the command that stops it', async () => {
    addJob(1);
    await opus('create');
    const lock = acquireRunnerLock(data);
    await expect(opus('restore', 'latest', '--yes')).rejects.toMatchObject({
      code: 'registry.locked',
      hint: expect.stringMatching(/ service stop\n/) as string,
    });
    lock.release();
  });

  it('lets go of the lock when it is done, also when it failed', async () => {
    addJob(1);
    await opus('create');
    await opus('restore', 'latest', '--yes');
    await expect(opus('restore', 'nothing', '--yes')).rejects.toThrow();
    acquireRunnerLock(data).release();
    expect(jobs()).toEqual(['FR-1-1']);
  });

  it('asks first, and where nobody can be asked says how to do without', async () => {
    addJob(1);
    const { name } = await made();
    addJob(2);
    for (const args of [[name], [name, '--json']]) {
      await expect(opus('restore', ...args)).rejects.toMatchObject({
        code: 'config.usage',
        hint: expect.stringContaining(`backup restore ${name} --yes`) as string,
      });
    }
    expect(jobs()).toEqual(['FR-1-1', 'FR-1-2']);
  });

  it.each([
    ['no backup at all', 'registry.no-backup', 'latest', 'backup create'],
    ['an unknown name', 'registry.no-backup', 'x.db', 'backup list'],
    ['a damaged one', 'registry.corrupt', 'first', 'backup list'],
    ['nothing but damaged ones', 'registry.corrupt', 'latest', 'backup list'],
  ])('says what is wrong and what to do: %s', async (what, code, given, command) => {
    addJob(1);
    let name = given;
    if (what !== 'no backup at all') {
      const first = await made();
      if (code === 'registry.corrupt') writeFileSync(first.path, 'garbage');
      if (given === 'first') ({ name } = first);
    }
    await expect(opus('restore', name, '--yes')).rejects.toMatchObject({
      code,
      hint: expect.stringContaining(command) as string,
    });
    expect(jobs()).toEqual(['FR-1-1']);
  });

  it('restores a registry that is itself damaged', async () => {
    addJob(1);
    await opus('create');
    copyFileSync(join(folder, 'opus.yml'), file);
    expect((await opus('restore', 'latest', '--yes')).code).toBe(0);
    expect(jobs()).toEqual(['FR-1-1']);
  });
});
