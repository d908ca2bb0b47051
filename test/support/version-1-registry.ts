import { readFileSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

const schema = readFileSync(new URL('../fixtures/registry/schema-1.sql', import.meta.url), 'utf8');

const rows: Readonly<Record<string, readonly Readonly<Record<string, SQLInputValue>>[]>> = {
  jobs: [
    {
      id: 'FR-1-1',
      feature_request_id: 'FR-1',
      number: 1,
      title: 'One “click”',
      note_path: '10_features/FR-1.md',
      repository: 'app',
      priority: 'P1',
      status: 'waiting',
      waiting_for: 'approval',
      run_state: 'waiting',
      base: 'main',
      base_commit: 'ba5e',
      branch: 'opus/FR-1-1-one-click',
      head_commit: 'c0ffee',
      gate: '{"kind":"merge","hash":"c0ffee"}',
      pull_request: '{"number":7,"url":"https://example.com/7","state":"open"}',
      merge_commit: null,
      error: null,
      note_status: 'in-review',
      run: 2,
      created_at: 1_000,
      updated_at: 2_000,
    },
    {
      id: 'FR-2-3',
      feature_request_id: 'FR-2',
      number: 3,
      title: 'Two',
      note_path: '10_features/FR-2.md',
      repository: 'app',
      priority: 'P0',
      status: 'failed',
      waiting_for: null,
      run_state: 'failed',
      base: 'main',
      base_commit: null,
      branch: 'opus/FR-2-3-two',
      head_commit: null,
      gate: null,
      pull_request: null,
      merge_commit: null,
      error: '{"code":"agent.failed","message":"It broke.","hint":null}',
      note_status: 'needs-human',
      run: 1,
      created_at: 1_500,
      updated_at: 1_600,
    },
  ],
  attempts: [
    {
      id: 'FR-1-1/code/0/1',
      job_id: 'FR-1-1',
      stage: 'code',
      round: 0,
      number: 1,
      agent: 'coder',
      owner: 'runner-a',
      status: 'passed',
      started_at: 1_100,
      ended_at: 1_200,
      commit_hash: 'c0ffee',
      result: '{"summary":"done"}',
      evidence: '[]',
      error: null,
      refused_hosts: '["a.example"]',
      generation: 0,
    },
  ],
  decisions: [
    {
      job_id: 'FR-1-1',
      gate_kind: 'plan',
      gate_hash: 'abcdef01',
      kind: 'approve',
      comment: 'good',
      person: 'me',
      channel: 'cli',
      at: 1_050,
      generation: 0,
    },
  ],
  retries: [{ job_id: 'FR-2-3', from_stage: 'code', rounds: 2, comment: 'again', at: 1_550, generation: 0 }],
  events: [{ at: 1_000, type: 'job.queued', job_id: 'FR-1-1', data: '{"a":1}' }],
  effects: [{ key: 'FR-1-1/code/0/1', result: '{"summary":"done"}', at: 1_200 }],
  trusted_notes: [{ path: 'agents/coder.md', hash: 'h', text: 'text', at: 900 }],
};

/** Writes a registry as the first version left it when it was closed: two jobs with all that belongs to them. */
export function writeVersion1Registry(file: string): void {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL');
  database.exec(schema);
  for (const [table, entries] of Object.entries(rows)) {
    for (const row of entries) {
      const columns = Object.keys(row);
      const marks = columns.map(() => '?').join(', ');
      database.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`).run(...Object.values(row));
    }
  }
  database.close();
}
