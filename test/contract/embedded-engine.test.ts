import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEmbeddedEngine } from '../../runner/adapters/engine-embedded/embedded-engine.ts';
import type { WorkflowEngine } from '../../runner/core/ports/workflow-engine.ts';
import { workflowEngineContract } from './workflow-engine.contract.ts';

workflowEngineContract('the embedded engine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'opus-engine-'));
  const file = join(folder, 'engine.db');
  const failures: string[] = [];
  const opened: WorkflowEngine[] = [];
  return {
    open() {
      const engine = createEmbeddedEngine({
        file,
        stopTimeoutMs: 200,
        onFailure: (jobId, error) => failures.push(`${jobId}: ${error.message}`),
      });
      opened.push(engine);
      return engine;
    },
    loseDatabase() {
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    },
    failures: () => failures,
    async dispose() {
      for (const engine of opened) await engine.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

describe('the embedded engine', () => {
  it('does not start a run again that it began days ago', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'opus-engine-'));
    const file = join(folder, 'engine.db');
    let ran = 0;
    const engine = createEmbeddedEngine({ file });
    onTestFinished(async () => {
      await engine.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    engine.register(async (context) => {
      await context.step('code', () => Promise.resolve((ran += 1)));
    });
    await engine.start('FR-1-1', 1);
    await engine.idle();
    const direct = new DatabaseSync(file);
    direct.exec("UPDATE workflow_runs SET created_at = '2020-01-01T00:00:00.000Z'");
    direct.close();
    await engine.start('FR-1-1', 1);
    await engine.idle();
    expect(ran).toBe(1);
  });
});
