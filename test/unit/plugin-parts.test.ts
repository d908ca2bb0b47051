import { App } from 'obsidian-test-mocks/obsidian';
import type * as obsidian from 'obsidian';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createPairingStore } from '../../plugin/connection/pairing-store.ts';
import { jobOfNote, jobOfPullRequest } from '../../plugin/current-job.ts';
import { costSentence } from '../../plugin/dispatch/dispatch.ts';
import { createFeatureNotes, errorsOf } from '../../plugin/dispatch/feature-notes.ts';
import { statusOf } from '../../plugin/status-bar.ts';
import { createSettingsStore, defaultSettings } from '../../plugin/stored-settings.ts';
import { setNoteProperties } from '../../plugin/vault/set-properties.ts';
import type { BoardJob } from '../../shared/protocol/board.ts';
import { emptyState } from '../../shared/view-model/runner-state.ts';
import { FakeElement } from '../support/fake-element.ts';

beforeAll(() => {
  vi.stubGlobal('createDiv', () => new FakeElement());
  vi.stubGlobal('window', { crypto });
});

async function vaultWith(files: Readonly<Record<string, string>>): Promise<obsidian.App> {
  const app = App.createConfigured__().asOriginalType__();
  for (const [path, text] of Object.entries(files)) {
    const folders = path.split('/').slice(0, -1);
    for (const [at] of folders.entries()) {
      const folder = folders.slice(0, at + 1).join('/');
      if (!app.vault.getFolderByPath(folder)) await app.vault.createFolder(folder);
    }
    await app.vault.create(path, text);
  }
  return app;
}

function textOf(app: obsidian.App, path: string): Promise<string> {
  const file = app.vault.getFileByPath(path);
  if (!file) throw new Error(`${path} is missing.`);
  return app.vault.read(file);
}

describe('changing a note from the board', () => {
  const path = '10_features/FR-001.md';
  const written = '---\r\nid: FR-001\r\nstatus: planned   # mine\r\npriority: 2\r\n---\r\nText\r\n';
  const shown = { id: 'FR-001', path, status: 'planned' } as const;

  it('changes the characters of that property only', async () => {
    const app = await vaultWith({ [path]: written });
    expect(await setNoteProperties(app, shown, { status: 'parked', priority: 'P0' })).toBeNull();
    expect(await textOf(app, path)).toBe(written.replace('planned', 'parked').replace('priority: 2', 'priority: P0'));
  });

  it('leaves a note alone whose status is not the one that was shown', async () => {
    const app = await vaultWith({ [path]: written });
    expect(await setNoteProperties(app, { ...shown, status: 'idea' }, { status: 'done' })).toContain('"planned"');
    expect(await textOf(app, path)).toBe(written);
  });

  it.each([
    ['a merge conflict', `${written}<<<<<<< here\r\n`, 'line 7'],
    ['properties that never end', '---\nstatus: planned\n', ':1: '],
  ])('leaves a note with %s alone and names the line', async (_name, text, line) => {
    const app = await vaultWith({ [path]: text });
    expect(await setNoteProperties(app, shown, { priority: 'P1' })).toContain(line);
    expect(await textOf(app, path)).toBe(text);
  });

  it('says which note is not on this device', async () => {
    expect(await setNoteProperties(await vaultWith({}), shown, { priority: 'P1' })).toContain(path);
  });
});

describe('looking at notes before they are dispatched', () => {
  it('finds what is wrong among all notes of the folder, as the runner does', async () => {
    const note = (id: string, more = ''): string => `---\nid: ${id}\nstatus: planned\n${more}---\n`;
    const app = await vaultWith({
      'fr/FR-001.md': note('FR-001', 'depends_on: ["[[FR-002]]", "[[FR-404]]"]\n'),
      'fr/deep/FR-002.md': note('FR-002', 'depends_on:\n  - "[[FR-001]]"\n'),
      'fr/FR-003.md': note('FR-003', 'repo: /etc\ncomplexity: huge\n'),
      'fr/copy.md': note('FR-003'),
      'elsewhere.md': note('FR-002'),
    });
    const notes = createFeatureNotes({ app, folder: () => 'fr' });
    const file = (path: string): obsidian.TFile => app.vault.getFileByPath(path) as unknown as obsidian.TFile;
    const read = await notes.validate(['fr/FR-001.md', 'fr/FR-003.md', 'fr/copy.md'].map(file));
    const told = Object.fromEntries(
      read.map(({ path, problems }) => [path, problems.map(({ code, line }) => [code, line])]),
    );
    expect(told).toEqual({
      'fr/FR-001.md': [
        ['depends-on.unresolved', 4],
        ['depends-on.cycle', 4],
      ],
      'fr/FR-003.md': [
        ['complexity.unknown', 5],
        ['id.duplicate', 2],
      ],
      'fr/copy.md': [['id.duplicate', 2]],
    });
  });

  it('passes over no broken note of a folder, and takes no other note for one', async () => {
    const app = await vaultWith({
      'fr/FR-001.md': '---\nid: FR-001\nstatus: planned\n---\n',
      'fr/deep/FR-002.md': '',
      'fr/README.md': 'What is in here.\n',
    });
    const read = app.vault.cachedRead.bind(app.vault);
    vi.spyOn(app.vault, 'cachedRead').mockImplementation((file) =>
      file.path === 'fr/deep/FR-002.md'
        ? Promise.resolve('---\nid: FR-002\ntitle: Dispatch: one click\n---\n')
        : read(file),
    );
    vi.spyOn(app.metadataCache, 'getFileCache').mockImplementation(({ path }) =>
      path === 'fr/FR-001.md' ? { frontmatter: { id: 'FR-001' } } : {},
    );
    const notes = createFeatureNotes({ app, folder: () => 'fr' });
    const folder = app.vault.getFolderByPath('fr') as obsidian.TFolder;
    expect(notes.within([folder]).map(({ path }) => path)).toEqual(['fr/FR-001.md']);
    const chosen = await notes.chosen([folder]);
    expect(chosen.map(({ path }) => path)).toEqual(['fr/FR-001.md', 'fr/deep/FR-002.md']);
    const validated = await notes.validate(chosen);
    expect(validated.map((featureRequest) => errorsOf(featureRequest).map(({ line }) => line))).toEqual([[], [3]]);
  });

  it('says what it will probably cost, where that is known', () => {
    const nothing = { dollars: null, tokens: null };
    expect(
      costSentence({
        dollars: { low: 0.4, high: 1.25 },
        tokens: null,
        jobs: 3,
        budget: { dollars: 5, tokens: null },
        leftToday: nothing,
      }),
    ).toBe('It will probably cost $0.40 to $1.25, as 3 jobs before it did. Its limit is $5.00.');
    expect(costSentence({ dollars: null, tokens: null, jobs: 0, budget: nothing, leftToday: nothing })).toBe('');
  });
});

describe('the pairing of this device', () => {
  const pairing = { address: 'https://runner.example', token: 'opus_secret' };

  it('is kept in the secret storage, and nowhere else', async () => {
    const app = await vaultWith({});
    const store = createPairingStore(app, 'Desktop');
    expect(store.save(pairing, 'secret')).toBe(true);
    expect(createPairingStore(app, 'Desktop').load()).toEqual(pairing);
    expect(store.place()).toBe('secret');
    const secrets = app.secretStorage.listSecrets().map((id) => app.secretStorage.getSecret(id));
    expect(secrets).toEqual([JSON.stringify(pairing)]);
    store.forget();
    expect(store.load()).toBeNull();
    expect(app.secretStorage.listSecrets().map((id) => app.secretStorage.getSecret(id))).toEqual(['']);
  });

  it.each([
    [
      'throws',
      {
        setSecret: (): void => {
          throw new Error('no keyring');
        },
      },
    ],
    ['takes it and gives nothing back', { setSecret: (): void => undefined, getSecret: (): null => null }],
  ])(
    'is refused where the secret storage %s, and lasts for the session where that is chosen',
    async (_name, broken) => {
      const app = await vaultWith({});
      Object.assign(app.secretStorage, broken);
      const store = createPairingStore(app, 'Desktop');
      expect(store.save(pairing, 'secret')).toBe(false);
      expect(store.load()).toBeNull();
      store.save(pairing, 'session');
      expect(store.load()).toEqual(pairing);
      expect(createPairingStore(app, 'Desktop').load()).toBeNull();
    },
  );
});

describe('settings', () => {
  it('are written only when a value is another one, with what a newer version keeps there', async () => {
    const saveData = vi.fn((_data: unknown) => Promise.resolve());
    const store = createSettingsStore({ loadData: () => Promise.resolve({ newer: [1], boardMode: 7 }), saveData });
    await store.load();
    expect(store.current()).toEqual(defaultSettings);
    await store.set('featureFolder', '/10_features/');
    await store.set('noticeFinished', true);
    expect(saveData).not.toHaveBeenCalled();
    await store.set('noticeFinished', false);
    expect(saveData.mock.calls).toEqual([[{ newer: [1], boardMode: 7, noticeFinished: false }]]);
    expect(store.current().noticeFinished).toBe(false);
  });
});

describe('finding a job', () => {
  const job = (id: string, number: number, url: string): [string, BoardJob] => [
    id,
    {
      job: id,
      fr: id.replace(/-\d+$/, ''),
      notePath: 'fr/FR-001.md',
      reportPath: `runs/${id}.md`,
      pr: { url, number, state: 'open' },
    } as BoardJob,
  ];
  const jobs = new Map([
    job('FR-001-1', 1, 'https://forge.example/me/app/pull/1'),
    job('FR-001-10', 10, 'https://forge.example/me/app/pull/10'),
    job('FR-001-9', 2, 'file:///repos/app.git#pull/2'),
  ]);

  it('takes any page of a pull request for it, and no other number', () => {
    expect(jobOfPullRequest({ jobs }, 'https://forge.example/me/app/pull/1/files#diff')?.job).toBe('FR-001-1');
    expect(jobOfPullRequest({ jobs }, 'https://forge.example/me/app/pull/10')?.job).toBe('FR-001-10');
    expect(jobOfPullRequest({ jobs }, 'https://forge.example/me/app/pull/100')).toBeNull();
    expect(jobOfPullRequest({ jobs }, 'file:///repos/app.git#pull/2')?.job).toBe('FR-001-9');
    expect(jobOfPullRequest({ jobs }, 'file:///repos/app.git')).toBeNull();
  });

  it('takes the newest of a request, and the very one of a report', () => {
    expect(jobOfNote({ jobs }, 'fr/FR-001.md')?.job).toBe('FR-001-10');
    expect(jobOfNote({ jobs }, 'runs/FR-001-1.md')?.job).toBe('FR-001-1');
  });
});

describe('the status bar', () => {
  it('shows a dead runner as dead, and counts what runs and what asks', () => {
    const lost = { kind: 'lost', since: 0, nextTryAt: 0, tries: 1, lastHeardAt: null } as const;
    expect(statusOf({ ...emptyState, connection: lost })).toMatchObject({ icon: 'unplug', words: 'Runner not there' });
    const jobs = new Map([
      ['a', { status: 'running', gate: null } as BoardJob],
      ['b', { status: 'waiting', gate: 'merge@1234abcd' } as BoardJob],
    ]);
    const words = statusOf({ connection: { kind: 'connected', since: 0 }, jobs }).words;
    expect(words).toBe('1 running, 1 to decide');
  });
});
