import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { createVaultFiles } from '../../runner/adapters/vault/vault-files.ts';
import type { Job } from '../../runner/core/ports/job-registry.ts';
import { findDamage, settleDamage, type ReconcileDependencies } from '../../runner/engine/reconcile.ts';
import { startScript } from '../support/child-process.ts';
import { everythingIn, markedBody, ReconcileLab, reconcilableNote } from '../support/reconcile-lab.ts';
import { aJob } from '../support/records.ts';
import { VaultFolder } from '../support/vault-folder.ts';

const files = VaultFolder.forEachTest();
const lab = new ReconcileLab(files);

function insertJob(fields: Partial<Job>): void {
  const registry = openRegistry({ file: join(files.folder, '.opus/registry.db'), clock: { now: () => 1 } });
  registry.commit(null, null, { insertJob: aJob(fields) });
  registry.close();
}

function recordedStatus(): string | undefined {
  const registry = openRegistry({ file: join(files.folder, '.opus/registry.db'), clock: { now: () => 1 } });
  const status = registry.job('FR-1-1')?.noteStatus;
  registry.close();
  return status;
}

describe('a status that is not what the runner wrote', () => {
  const path = '10_features/FR-1.md';

  it('is shown with job, note’s value and runner’s value', async () => {
    insertJob({ noteStatus: 'in-progress' });
    await files.put(path, reconcilableNote('FR-1', 'x\n', 'blocked'));
    const { text, exit } = await lab.printed();
    expect([exit, text.split('\n')[0]]).toEqual([
      3,
      `${path}:4: clash: The note of FR-1-1 says "blocked"; the runner wrote "in-progress" last. (status.clash)`,
    ]);
  });

  it('stands with --keep theirs, and the registry takes it as last seen', async () => {
    insertJob({ noteStatus: 'in-progress' });
    await files.put(path, reconcilableNote('FR-1', 'x\n', 'blocked'));
    expect(await lab.shown({ yes: true, keep: 'theirs' })).toMatchObject({ settled: 1, exit: 0 });
    expect([recordedStatus(), await files.get(path)]).toEqual(['blocked', reconcilableNote('FR-1', 'x\n', 'blocked')]);
    expect(await lab.shown()).toMatchObject({ findings: [], exit: 0 });
  });

  it('is written again with --keep ours, and the rest of the note stays', async () => {
    insertJob({ noteStatus: 'in-progress' });
    await files.put(path, reconcilableNote('FR-1', 'x\n', 'blocked # mine'));
    expect(await lab.shown({ yes: true, keep: 'ours' })).toMatchObject({ settled: 1, exit: 0 });
    expect([recordedStatus(), await files.get(path)]).toEqual([
      'in-progress',
      reconcilableNote('FR-1', 'x\n', 'in-progress # mine'),
    ]);
    expect(await files.get('.trash/FR-1.md')).toBe(reconcilableNote('FR-1', 'x\n', 'blocked # mine'));
  });

  it('is left to the runner that holds the registry, while notes are written all the same', async () => {
    insertJob({ noteStatus: 'in-progress' });
    await files.put(path, reconcilableNote('FR-1', 'x\n', 'blocked'));
    const runner = startScript('hold-runner-lock.ts', join(files.folder, '.opus'));
    await runner.line((line) => line === 'held');
    try {
      const theirs = await lab.shown({ yes: true, keep: 'theirs' });
      expect([theirs.exit, theirs.findings[0]?.outcome?.kind]).toEqual([0, 'left-to-runner']);
      const ours = await lab.shown({ yes: true, keep: 'ours' });
      expect([ours.exit, ours.findings[0]?.outcome?.kind]).toEqual([0, 'settled']);
    } finally {
      await runner.kill();
    }
    expect([recordedStatus(), await files.get(path)]).toEqual([
      'in-progress',
      reconcilableNote('FR-1', 'x\n', 'in-progress'),
    ]);
  });

  it.each([
    ['parked', 'in-progress', /asks it to cancel the job/],
    ['planned', 'needs-human', /asks it to begin anew/],
  ] as const)('%s over %s asks for something, which recording it would hide', async (found, noteStatus, sentence) => {
    insertJob({ noteStatus });
    await files.put(path, reconcilableNote('FR-1', 'x\n', found));
    expect((await lab.printed()).text).toMatch(sentence);
    const result = await lab.shown({ yes: true, keep: 'theirs' });
    expect([result.exit, result.findings[0]?.outcome?.kind, recordedStatus()]).toEqual([
      0,
      'left-to-runner',
      noteStatus,
    ]);
  });

  it('is no clash where the job is over, or where the note was only not told yet', async () => {
    await files.put(path, reconcilableNote('FR-1', 'x\n', 'planned'));
    insertJob({ id: 'FR-1-1', status: 'succeeded', noteStatus: 'done' });
    insertJob({ id: 'FR-1-2', number: 2, noteStatus: 'in-progress' });
    const registry = openRegistry({ file: join(files.folder, '.opus/registry.db'), clock: { now: () => 1 } });
    const write = { path, keys: [], status: { expect: ['planned'], to: 'in-progress' } } as const;
    registry.commit(null, null, { outbox: [{ jobId: 'FR-1-2', payload: { kind: 'keys', write } }] });
    expect((await lab.shown()).findings).toEqual([]);
    registry.acknowledge(registry.outbox()[0]?.seq ?? 0, 'written');
    registry.close();
    expect((await lab.shown()).findings.map(({ job }) => job)).toEqual(['FR-1-2']);
  });

  it('that is no status at all is left to a person', async () => {
    insertJob({ noteStatus: 'in-progress' });
    await files.put(path, reconcilableNote('FR-1', 'x\n', 'runing'));
    expect(await lab.shown({ yes: true, keep: 'ours' })).toMatchObject({ findings: [{ settles: 'by-hand' }], exit: 3 });
  });
});

describe('what changes between being shown and being settled', () => {
  function dependencies(): ReconcileDependencies {
    const job = aJob({ noteStatus: 'in-progress' });
    return {
      vault: files.vault(),
      files: createVaultFiles({ root: files.root }),
      registry: { jobs: () => [job], outbox: () => [] },
      folders: ['10_features'],
      recordStatus: () => Promise.reject(new Error('It must not come to that.')),
    };
  }

  it.each([
    ['a copy that is the same', 'FR-2 (conflicted copy).md', reconcilableNote('FR-2'), 'FR-2 (conflicted copy).md'],
    ['the original of one', 'FR-2 (conflicted copy).md', reconcilableNote('FR-2'), 'FR-2.md'],
    [
      'a copy to be merged',
      'FR-2 (conflicted copy).md',
      reconcilableNote('FR-2', 'Body\nMore\n'),
      'FR-2 (conflicted copy).md',
    ],
    ['the note to merge into', 'FR-2 (conflicted copy).md', reconcilableNote('FR-2', 'Body\nMore\n'), 'FR-2.md'],
    ['a note with markers', 'FR-3.md', reconcilableNote('FR-3', markedBody), 'FR-3.md'],
    ['a note with a clash', 'FR-1.md', reconcilableNote('FR-1', 'x\n', 'blocked'), 'FR-1.md'],
  ])('%s is left alone', async (_, damaged, text, edited) => {
    await files.put('10_features/FR-2.md', reconcilableNote('FR-2'));
    await files.put(`10_features/${damaged}`, text);
    const subject = dependencies();
    const [finding, ...others] = await findDamage(subject);
    if (!finding) throw new Error('Nothing was found.');
    expect(others).toEqual([]);
    await files.put(`10_features/${edited}`, 'written by somebody just now\n');
    const before = everythingIn(files.root);
    for (const keep of ['ours', 'theirs'] as const) {
      const outcomes = await settleDamage(subject, [{ finding, keep }]);
      expect(outcomes.get(finding)?.kind).toBe('changed');
    }
    expect(everythingIn(files.root)).toEqual(before);
  });

  it('is not lost either where it comes at the very last moment', async () => {
    await files.put('10_features/FR-2.md', reconcilableNote('FR-2'));
    const subject = createVaultFiles({ root: files.root });
    const seen = Buffer.from(reconcilableNote('FR-2'));
    await files.put('10_features/FR-2.md', 'newer\n');
    expect(await subject.trash('10_features/FR-2.md', seen)).toBeNull();
    expect(await subject.replace('10_features/FR-2.md', seen, Buffer.from('x'))).toBeNull();
    expect(await subject.trash('10_features/gone.md', seen)).toBeNull();
    expect(everythingIn(files.root)).toEqual({ '10_features/FR-2.md': 'newer\n' });
  });
});
