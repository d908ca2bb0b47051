import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { firstSight } from '../../runner/engine/first-sight.ts';
import type { EngineDependencies } from '../../runner/engine/stage-context.ts';
import { aJob } from '../support/records.ts';

describe('the first look of a service at a vault', () => {
  let folder: string;
  let registry: JobRegistry;
  let look: (notes: readonly FeatureRequest[], backlog?: 'ask' | 'dispatch') => readonly string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'opus-first-sight-'));
    registry = openRegistry({ file: join(folder, 'registry.db'), clock: { now: () => 1 } });
    const nothing = (): void => undefined;
    const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
    const dependencies = { registry, log, config: { command: 'opus' } } as unknown as EngineDependencies;
    look = (notes, backlog = 'ask') => firstSight(dependencies, notes, { backlog });
  });
  afterEach(() => {
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('leaves what is planned already for a person to start, and what is planned later not', () => {
    expect(look([note('FR-1'), note('FR-2', 'idea')])).toEqual(['FR-1']);
    expect(look([note('FR-1'), note('FR-2'), note('FR-3')])).toEqual(['FR-1']);
  });

  it('asks also when one request was run in the foreground before, but not about one that is at work', () => {
    registry.commit(null, null, { insertJob: aJob({ id: 'FR-1-1', featureRequestId: 'FR-1', status: 'succeeded' }) });
    registry.commit(null, null, { insertJob: aJob({ id: 'FR-2-1', featureRequestId: 'FR-2', status: 'queued' }) });
    expect(look([note('FR-1', 'done'), note('FR-2'), note('FR-3')])).toEqual(['FR-3']);
  });

  it('asks about nothing where policy says to dispatch', () => {
    expect(look([note('FR-1')], 'dispatch')).toEqual([]);
  });

  it('puts what is said to be at work before a person, but only where no job is known at all', () => {
    look([note('FR-1', 'in-progress')]);
    expect(registry.outbox()).toHaveLength(1);
    registry.setState('backlog', null);
    registry.commit(null, null, { insertJob: aJob({ featureRequestId: 'FR-9' }) });
    look([note('FR-2', 'in-progress')]);
    expect(registry.outbox()).toHaveLength(1);
  });
});

function note(id: string, status = 'planned'): FeatureRequest {
  return { id, status, path: `10_features/${id}.md` } as FeatureRequest;
}
