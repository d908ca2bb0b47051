import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { defaultPolicy, type Policy } from '../../runner/core/configuration.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import type { JobRuntime } from '../../runner/engine/job-runtime.ts';
import { createRunningJobs } from '../../runner/engine/running-jobs.ts';
import { createVaultIntake, type VaultIntake } from '../../runner/engine/vault-intake.ts';
import { aJob } from '../support/records.ts';

describe('a decision in the note that cannot be taken', () => {
  let folder: string;
  let registry: JobRegistry;
  let intake: VaultIntake;
  let policy: Policy;
  let branchIsRead: () => Promise<string | null>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'opus-note-decision-'));
    registry = openRegistry({ file: join(folder, 'registry.db'), clock: { now: () => 5 } });
    policy = defaultPolicy;
    branchIsRead = () => Promise.resolve(null);
    const note = {
      id: 'FR-1',
      title: aJob().title,
      status: 'in-review',
      priority: 'P1',
      path: aJob().notePath,
      decision: 'approve abcdef01',
      dependsOn: [],
      problems: [],
      contentHash: 'same',
    } as unknown as FeatureRequest;
    const nothing = (): void => undefined;
    const dependencies = {
      registry,
      clock: { now: () => 5 },
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      vault: { scan: () => Promise.resolve([note]), read: () => Promise.resolve(note) },
      worktrees: { remoteHead: () => branchIsRead() },
      config: { command: 'opus', timeouts: { deleted: 600_000 }, repos: { app: { url: '/srv/app.git' } } },
      confirmed: () => ({ policy, profiles: [], reviewRules: [], memory: [] }),
    };
    const runtime = {
      dependencies,
      running: createRunningJobs(),
      absent: { takeReturned: () => [] },
      tell: () => Promise.resolve(),
      wake: () => Promise.resolve(),
    } as unknown as JobRuntime;
    intake = createVaultIntake(runtime, { onAction: nothing, onLook: () => Promise.resolve() });
    const gate = { kind: 'merge', hash: 'abcdef0123' } as const;
    registry.commit(null, null, {
      insertJob: aJob({
        status: 'waiting',
        waitingFor: 'approval',
        gate,
        headCommit: gate.hash,
        noteStatus: 'in-review',
      }),
    });
  });
  afterEach(() => {
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is answered in the note, once', async () => {
    policy = { ...defaultPolicy, approvers: ['alice'] };
    await intake.look();
    expect(registry.job('FR-1-1')?.error?.code).toBe('registry.not-approver');
    const [told] = registry.outbox();
    expect(JSON.stringify(told?.payload)).toContain('may not decide on FR-1-1. Policy names as approvers: alice.');
    const count = registry.outbox().length;
    await intake.look();
    expect(registry.outbox()).toHaveLength(count);
    expect(registry.decisions('FR-1-1')).toEqual([]);
  });

  it('is taken with a later look where the origin did not answer', async () => {
    branchIsRead = () => Promise.reject(new OpusError('git.failed', 'The origin does not answer.'));
    await intake.look();
    expect(registry.decisions('FR-1-1')).toEqual([]);
    branchIsRead = () => Promise.resolve('abcdef0123');
    await intake.look();
    expect(registry.decisions('FR-1-1')).toMatchObject([{ kind: 'approve', channel: 'note' }]);
  });
});
