import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createForgeUse } from '../../runner/adapters/metrics/forge-use.ts';
import { createMetrics, type Metrics, type MetricsOptions } from '../../runner/adapters/metrics/create-metrics.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import type { Attempt, Job, JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { aJob, anAttempt, aResponse } from '../support/records.ts';

const hour = 3_600_000;

describe('the metrics', () => {
  let folder: string;
  let registry: JobRegistry;
  let now: number;
  const open: Metrics[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'opus-metrics-'));
    now = 100 * hour;
    registry = openRegistry({ file: join(folder, 'registry.db'), clock: { now: () => now } });
  });
  afterEach(() => {
    for (const metrics of open.splice(0)) metrics.close();
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(options: Partial<MetricsOptions> = {}): Metrics {
    const metrics = createMetrics({
      registry,
      clock: { now: () => now },
      version: '1.2.3',
      sandboxesAlive: () => 2,
      circuits: () => [],
      paused: () => 'no',
      windows: () => [],
      forges: createForgeUse(),
      ...options,
    });
    open.push(metrics);
    return metrics;
  }

  /** Closes without a last look, as a kill does. */
  function kill(metrics: Metrics): void {
    open.splice(open.indexOf(metrics), 1);
  }

  async function valuesOf(metrics: Metrics, name: string): Promise<Record<string, number>> {
    const lines = (await metrics.render()).split('\n').filter((line) => /^\w+/.exec(line)?.[0] === name);
    return Object.fromEntries(
      lines.map((line) => {
        const [, labels = '', value = ''] = /^\w+(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
        return [labels, Number(value)];
      }),
    );
  }

  function put(fields: Partial<Job> & Pick<Job, 'number'>): Job {
    const job = aJob({ id: `FR-1-${fields.number}`, createdAt: now, queuedAt: now, updatedAt: now, ...fields });
    registry.commit(null, null, { insertJob: job });
    return job;
  }

  function end(job: Job, status: 'succeeded' | 'failed' | 'canceled'): void {
    registry.commit(null, null, {
      updateJob: { id: job.id, fields: { status, waitingFor: null } },
      events: [{ type: `job.${status}`, jobId: job.id, data: {} }],
    });
  }

  function attempt(job: Job, fields: Partial<Attempt> = {}): Attempt {
    const begun = anAttempt({ id: `${job.id}/code/0/1`, jobId: job.id, startedAt: now, ...fields });
    registry.commit(null, null, { insertAttempt: begun });
    return begun;
  }

  function endAttempt({ id, owner }: Attempt, status: Attempt['status']): void {
    registry.commit(null, null, { updateAttempt: { id, owner, fields: { status, endedAt: now } } });
  }

  it('tell how jobs stand, how old the queue is and who is busy', async () => {
    put({ number: 1, status: 'waiting', waitingFor: 'slot', queuedAt: now - 90_000 });
    put({ number: 2, status: 'queued', queuedAt: now - 30_000 });
    put({ number: 3, status: 'waiting', waitingFor: 'approval', queuedAt: now - 200_000 });
    const working = attempt(put({ number: 4 }));
    const metrics = start();
    expect(await valuesOf(metrics, 'opus_jobs')).toEqual({
      'status="queued",waiting_for=""': 1,
      'status="running",waiting_for=""': 1,
      'status="waiting",waiting_for="approval"': 1,
      'status="waiting",waiting_for="slot"': 1,
      'status="paused",waiting_for=""': 0,
      'status="succeeded",waiting_for=""': 0,
      'status="failed",waiting_for=""': 0,
      'status="canceled",waiting_for=""': 0,
    });
    expect(await valuesOf(metrics, 'opus_queue_age_seconds')).toEqual({ '': 90 });
    expect(await valuesOf(metrics, 'opus_agents_busy')).toEqual({ 'agent="coder"': 1 });
    endAttempt(working, 'passed');
    registry.commit(null, null, { updateJob: { id: 'FR-1-1', fields: { status: 'running', waitingFor: null } } });
    const jobs = await valuesOf(metrics, 'opus_jobs');
    expect(jobs).toMatchObject({ 'status="running",waiting_for=""': 2 });
    expect(jobs).not.toHaveProperty(['status="waiting",waiting_for="slot"']);
    expect(await valuesOf(metrics, 'opus_queue_age_seconds')).toEqual({ '': 30 });
    expect(await valuesOf(metrics, 'opus_agents_busy')).toEqual({});
    expect(await valuesOf(metrics, 'opus_sandboxes_alive')).toEqual({ '': 2 });
    expect(await valuesOf(metrics, 'opus_info')).toEqual({ 'version="1.2.3"': 1 });
  });

  it('tell of the last day', async () => {
    const metrics = start();
    expect(await valuesOf(metrics, 'opus_success_rate')).toEqual({ '': NaN });
    end(put({ number: 1 }), 'failed');
    now += 25 * hour;
    end(put({ number: 2 }), 'failed');
    for (const number of [3, 4, 5]) end(put({ number }), 'succeeded');
    put({ number: 6, status: 'queued' });
    expect(await valuesOf(metrics, 'opus_jobs_last_day')).toEqual({ '': 5 });
    expect(await valuesOf(metrics, 'opus_success_rate')).toEqual({ '': 0.75 });
  });

  it('count what has not been written to the vault', async () => {
    const metrics = start();
    const payload = { kind: 'report', jobId: 'FR-1-1' } as const;
    registry.commit(null, null, {
      insertJob: aJob(),
      outbox: [
        { jobId: 'FR-1-1', payload },
        { jobId: 'FR-1-1', payload },
      ],
    });
    expect(await valuesOf(metrics, 'opus_outbox_depth')).toEqual({ '': 2 });
    registry.acknowledge(1, 'written');
    expect(await valuesOf(metrics, 'opus_outbox_depth')).toEqual({ '': 1 });
  });

  it('count ends and how long jobs took, each once, a retried one again', async () => {
    const metrics = start();
    const job = put({ number: 1 });
    now += 40 * 60_000;
    end(job, 'failed');
    await metrics.render();
    now += 20 * 60_000;
    end(job, 'succeeded');
    expect(await valuesOf(metrics, 'opus_jobs_finished_total')).toEqual({
      'repository="app",outcome="failed"': 1,
      'repository="app",outcome="succeeded"': 1,
    });
    expect(await valuesOf(metrics, 'opus_pipeline_duration_seconds_sum')).toEqual({
      'outcome="failed"': 2_400,
      'outcome="succeeded"': 3_600,
    });
    const buckets = await valuesOf(metrics, 'opus_pipeline_duration_seconds_bucket');
    expect(buckets).toMatchObject({
      'outcome="failed",le="1800"': 0,
      'outcome="failed",le="3600"': 1,
      'outcome="failed",le="+Inf"': 1,
      'outcome="succeeded",le="3600"': 1,
    });
    expect(await valuesOf(metrics, 'opus_pipeline_duration_seconds_count')).toMatchObject({ 'outcome="failed"': 1 });
  });

  it('count attempts when they end, in whatever order, with the time of agents', async () => {
    const metrics = start();
    const job = put({ number: 1 });
    const first = attempt(job, { id: 'a' });
    const second = attempt(job, { id: 'b', stage: 'test', agent: null });
    expect(await valuesOf(metrics, 'opus_attempts_total')).toEqual({});
    now += 10_000;
    endAttempt(second, 'rejected');
    expect(await valuesOf(metrics, 'opus_attempts_total')).toEqual({ 'stage="test",outcome="rejected"': 1 });
    now += 20_000;
    endAttempt(first, 'passed');
    await metrics.render();
    expect(await valuesOf(metrics, 'opus_attempts_total')).toEqual({
      'stage="test",outcome="rejected"': 1,
      'stage="code",outcome="passed"': 1,
    });
    expect(await valuesOf(metrics, 'opus_stage_duration_seconds_sum')).toEqual({
      'stage="test",outcome="rejected"': 10,
      'stage="code",outcome="passed"': 30,
    });
    expect(await valuesOf(metrics, 'opus_agent_busy_seconds_total')).toEqual({ 'agent="coder"': 30 });
  });

  it('count an attempt that a dead runner left', async () => {
    const metrics = start();
    attempt(put({ number: 1 }), { leaseUntil: now + 1 });
    await metrics.render();
    now += 60_000;
    registry.interruptExpired(now, '');
    expect(await valuesOf(metrics, 'opus_attempts_total')).toEqual({ 'stage="code",outcome="interrupted"': 1 });
  });

  it('show zero tokens and cost until usage is reported, then what was', async () => {
    const metrics = start();
    expect(await valuesOf(metrics, 'opus_cost_usd_total')).toEqual({ 'agent="",model=""': 0 });
    for (const cost of [0.25, 0.5]) registry.recordUsage(aResponse({ id: `of ${cost}`, cost }));
    registry.recordUsage(aResponse({ id: 'open', open: true, estimated: true, cost: 0.1 }));
    registry.recordUsage(aResponse({ id: 'plan', subscription: true, model: 'm-2' }));
    expect(await valuesOf(metrics, 'opus_tokens_total')).toMatchObject({
      'agent="coder",model="m-1",kind="input"': 200,
      'agent="coder",model="m-1",kind="output"': 20,
    });
    const paid = { 'agent="",model=""': 0, 'agent="coder",model="m-1"': 0.75, 'agent="coder",model="m-2"': 0 };
    expect(await valuesOf(metrics, 'opus_cost_usd_total')).toEqual(paid);
    expect(await valuesOf(metrics, 'opus_model_responses_total')).toEqual({
      'agent="coder",model="m-1",count="told"': 2,
      'agent="coder",model="m-2",count="told"': 1,
    });
  });

  it('count a response that a dead runner left open once it is closed, and one that never was not at all', async () => {
    const before = start();
    for (const id of ['left', 'never']) registry.recordUsage(aResponse({ id, open: true, estimated: true }));
    await before.render();
    before.close();
    kill(before);
    registry.dropUsage('never');
    const after = start();
    expect(await valuesOf(after, 'opus_model_responses_total')).toEqual({});
    registry.closeUsage();
    const counted = { 'agent="coder",model="m-1",count="estimated"': 1 };
    expect(await valuesOf(after, 'opus_model_responses_total')).toEqual(counted);
    expect(await valuesOf(after, 'opus_model_responses_total')).toEqual(counted);
  });

  it('show how full the windows of subscriptions are', async () => {
    const windows = [{ endpoint: 'anthropic', lengthMs: 5 * hour, share: 0.42, resetsAt: null, at: 0 }];
    const metrics = start({ windows: () => windows });
    expect(await valuesOf(metrics, 'opus_subscription_window_share')).toEqual({
      'endpoint="anthropic",window="5h"': 0.42,
    });
  });

  it.each([
    [
      'a stop',
      (metrics: Metrics) => {
        metrics.close();
        kill(metrics);
      },
    ],
    ['a kill', kill],
  ])('go on after %s with what they had counted', async (_what, stop) => {
    const before = start();
    const left = attempt(put({ number: 1 }), { id: 'left' });
    end(put({ number: 2 }), 'succeeded');
    await before.render();
    stop(before);
    now += 5_000;
    endAttempt(left, 'passed');
    end(put({ number: 3 }), 'succeeded');
    const after = start();
    expect(await valuesOf(after, 'opus_jobs_finished_total')).toEqual({ 'repository="app",outcome="succeeded"': 2 });
    expect(await valuesOf(after, 'opus_pipeline_duration_seconds_count')).toEqual({ 'outcome="succeeded"': 2 });
    expect(await valuesOf(after, 'opus_attempts_total')).toEqual({ 'stage="code",outcome="passed"': 1 });
    expect(await valuesOf(after, 'opus_agent_busy_seconds_total')).toEqual({ 'agent="coder"': 5 });
  });

  it('never count less because a job was forgotten, here or after a restart', async () => {
    const before = start();
    const job = put({ number: 1 });
    endAttempt(attempt(job), 'passed');
    end(job, 'succeeded');
    registry.recordUsage(aResponse({ cost: 2 }));
    await before.render();
    now += 61_000;
    await before.render();
    registry.forgetJob(job.id);
    const finished = { 'repository="app",outcome="succeeded"': 1 };
    expect(await valuesOf(before, 'opus_jobs_finished_total')).toEqual(finished);
    kill(before);
    const after = start();
    expect(await valuesOf(after, 'opus_jobs_finished_total')).toEqual(finished);
    expect(await valuesOf(after, 'opus_stage_duration_seconds_count')).toEqual({ 'stage="code",outcome="passed"': 1 });
    expect(await valuesOf(after, 'opus_cost_usd_total')).toMatchObject({ 'agent="coder",model="m-1"': 2 });
    // Its attempt's place in the order is given out again.
    endAttempt(attempt(put({ number: 2 }), { stage: 'plan' }), 'passed');
    expect(await valuesOf(after, 'opus_attempts_total')).toMatchObject({ 'stage="plan",outcome="passed"': 1 });
  });

  it('begin anew when what was kept has another shape', async () => {
    end(put({ number: 1 }), 'canceled');
    registry.setState('metrics', { counters: 'many' });
    expect(await valuesOf(start(), 'opus_jobs_finished_total')).toEqual({ 'repository="app",outcome="canceled"': 1 });
  });

  it('write nothing while nothing happens', async () => {
    const metrics = start();
    end(put({ number: 1 }), 'succeeded');
    now += 61_000;
    await metrics.render();
    const kept = registry.state('metrics')?.at;
    now += 61_000;
    await metrics.render();
    expect(kept).toBe(now - 61_000);
    expect(registry.state('metrics')?.at).toBe(kept);
  });

  it('tell the states of circuits and of the runner', async () => {
    let circuits = [{ kind: 'forge', name: 'gone', state: 'closed' as 'closed' | 'open' }];
    const metrics = start({ circuits: () => circuits, paused: () => 'draining' });
    await metrics.render();
    circuits = [{ kind: 'forge', name: 'app', state: 'open' }];
    expect(await valuesOf(metrics, 'opus_circuit_state')).toEqual({
      'kind="forge",name="app",state="closed"': 0,
      'kind="forge",name="app",state="open"': 1,
      'kind="forge",name="app",state="half-open"': 0,
    });
    expect(await valuesOf(metrics, 'opus_paused')).toEqual({
      'state="no"': 0,
      'state="paused"': 0,
      'state="draining"': 1,
    });
  });

  it('hold no word of a note and are all of one name', async () => {
    put({ number: 1, title: 'Sell the house', notePath: '10_features/house.md', status: 'queued' });
    const text = await start().render();
    expect(text).not.toMatch(/house/i);
    const names = text.split('\n').flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
    expect(names.filter((name) => !name.startsWith('opus_'))).toEqual([]);
    expect(names).toContain('opus_event_loop_delay_seconds');
    expect(names).toContain('opus_process_resident_memory_bytes');
  });

  it('of two runners in one process do not mix', async () => {
    const one = start();
    const other = start({ sandboxesAlive: () => 9 });
    expect(await valuesOf(one, 'opus_sandboxes_alive')).toEqual({ '': 2 });
    expect(await valuesOf(other, 'opus_sandboxes_alive')).toEqual({ '': 9 });
  });

  it('read histories longer than a batch whole', async () => {
    for (let number = 1; number <= 3; number += 1) put({ number });
    const events = Array.from({ length: 4_001 }, () => ({ type: 'job.failed', jobId: 'FR-1-1', data: {} }));
    registry.commit(null, null, { events });
    expect(await valuesOf(start(), 'opus_jobs_finished_total')).toEqual({ 'repository="app",outcome="failed"': 4_001 });
  });
});
