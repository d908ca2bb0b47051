import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
