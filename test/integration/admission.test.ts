import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FeatureRequest, NoteStatus } from '#shared/domain/feature-request.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { defaultPolicy } from '../../runner/core/configuration.ts';
import type { Job, JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { createAdmission, type Admission } from '../../runner/engine/admission.ts';
import { createRunningJobs, type RunningJobs } from '../../runner/engine/running-jobs.ts';
import type { EngineDependencies } from '../../runner/engine/stage-context.ts';
import { aJob } from '../support/records.ts';

let folder: string;
let registry: JobRegistry;
let running: RunningJobs;
let admission: Admission;
let notes: FeatureRequest[];
let woken: string[];
let now: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'admission-'));
  now = 1_000_000;
  const clock = { now: () => now };
  registry = openRegistry({ file: join(folder, 'registry.db'), clock });
  running = createRunningJobs();
  notes = [];
  woken = [];
  const dependencies = {
    registry,
    clock,
    config: {
      concurrency: 1,
      repos: { app: { concurrency: null } },
      limits: { reviewQueue: null, diskReserve: 0 },
      scheduling: { longestWait: 3_600_000 },
      retry: { attempts: 1, crashes: 9 },
      rounds: 0,
    },
    confirmed: () => ({ policy: defaultPolicy, profiles: [] }),
    circuits: { states: () => [] },
    freeBytes: () => null,
  } as unknown as EngineDependencies;
  admission = createAdmission({
    dependencies,
    running,
    notes: () => notes,
    accepting: () => true,
    isAbsent: () => false,
    wake: ({ id }) => woken.push(id),
  });
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

function queued(id: string, fields: Partial<Job> = {}): void {
  const insertJob = aJob({
    id: `${id}-1`,
    featureRequestId: id,
    status: 'queued',
    runState: 'queued',
    baseCommit: 'a'.repeat(40),
    createdAt: now,
    queuedAt: now,
    ...fields,
  });
  registry.commit(null, null, { insertJob });
}

function note(id: string, status: NoteStatus, dependsOn: string[] = []): void {
  notes = [...notes.filter((other) => other.id !== id), { id, status, dependsOn } as unknown as FeatureRequest];
}

test('a job that depends on another begins on a base that is looked up anew, however short the wait', () => {
  queued('FR-2');
  note('FR-1', 'in-review');
  note('FR-2', 'in-progress', ['FR-1']);
  admission.decide();
  expect(registry.job('FR-2-1')).toMatchObject({ status: 'waiting', waitingFor: 'dependency', noteStatus: 'blocked' });
  note('FR-1', 'done');
  admission.decide();
  expect(registry.job('FR-2-1')).toMatchObject({ slot: 'agent', waitingFor: null, baseCommit: null });
  expect(woken).toEqual(['FR-2-1']);
});

test('another keeps the base of its dispatch while that is fresh', () => {
  queued('FR-1');
  note('FR-1', 'in-progress');
  admission.decide();
  expect(registry.job('FR-1-1')).toMatchObject({ slot: 'agent', baseCommit: 'a'.repeat(40) });
});

test('one that has queued for long begins on the base as it is then', () => {
  queued('FR-1');
  note('FR-1', 'in-progress');
  now += 60_000;
  admission.decide();
  expect(registry.job('FR-1-1')).toMatchObject({ slot: 'agent', baseCommit: null });
});

test('a job whose note has not been read yet is not begun, since nobody knows what it depends on', () => {
  queued('FR-1');
  admission.decide();
  expect(registry.job('FR-1-1')).toMatchObject({ slot: null, status: 'queued' });
  note('FR-1', 'in-progress');
  admission.decide();
  expect(registry.job('FR-1-1')?.slot).toBe('agent');
});

test('what a job waits for is recorded once, and anew when that has changed', () => {
  queued('FR-2');
  note('FR-1', 'planned');
  note('FR-2', 'in-progress', ['FR-1']);
  const said = (): unknown[] => registry.events({ afterSeq: 0, limit: 99 }).map(({ type }) => type);
  admission.decide();
  admission.decide();
  expect(said()).toEqual(['job.waiting']);
  note('FR-1', 'in-progress');
  admission.decide();
  expect(said()).toEqual(['job.waiting', 'job.waiting']);
  expect(registry.job('FR-2-1')?.error?.message).toBe('FR-2 waits for FR-1 (in-progress) to be done.');
});

test('a job that is pushed aside is stopped, and its slot is given to nobody before it is free', () => {
  queued('FR-1', { status: 'running', slot: 'agent', admittedAt: now, priority: 'P3' });
  queued('FR-2', { priority: 'P0' });
  note('FR-1', 'in-progress');
  note('FR-2', 'in-progress');
  const signal = running.signalOf('FR-1-1');
  admission.decide();
  expect(signal.aborted).toBe(true);
  expect(registry.job('FR-1-1')).toMatchObject({ status: 'paused', pausedBy: 'preemption', slot: 'agent' });
  admission.decide();
  expect(registry.job('FR-2-1')?.slot).toBeNull();
  registry.commit(null, null, { updateJob: { id: 'FR-1-1', fields: { slot: null } } });
  admission.decide();
  expect(registry.job('FR-2-1')?.slot).toBe('agent');
  expect(registry.job('FR-1-1')).toMatchObject({ status: 'paused', slot: null });
});
