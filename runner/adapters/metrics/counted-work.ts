import type { Registry } from 'prom-client';
import type { NumberedAttempt, NumberedUsage, RegistryFigures } from '../../core/ports/registry-figures.ts';
import { createKeptCounter } from './kept-counter.ts';
import { createKeptHistogram } from './kept-histogram.ts';
import type { KeptTotals } from './kept-totals.ts';

export interface CountedWork {
  /** Counts what the registry learned since the last time. */
  catchUp(figures: RegistryFigures): void;
  totals(): KeptTotals;
}

const minute = 60;
const hour = 60 * minute;
const pipelineBuckets = [
  30,
  minute,
  5 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  6 * hour,
  24 * hour,
  72 * hour,
];
const stageBuckets = [1, 5, 15, 30, minute, 2 * minute, 5 * minute, 15 * minute, 30 * minute, hour, 2 * hour];
/** Rows read at a time. */
const batch = 2_000;

/** Totals that only grow: they are counted from the registry's events and attempts, each once. */
export function createCountedWork(registry: Registry, kept: KeptTotals): CountedWork {
  const counter = (
    name: string,
    help: string,
    labelNames: readonly string[],
    atLeast: readonly (readonly string[])[] = [],
  ) => createKeptCounter(registry, { name, help, labelNames, atLeast, kept: kept.counters[name] ?? [] });
  const histogram = (name: string, help: string, labelNames: readonly string[], buckets: readonly number[]) =>
    createKeptHistogram(registry, { name, help, labelNames, buckets, kept: kept.histograms[name] ?? [] });

  const counters = {
    opus_jobs_finished_total: counter('opus_jobs_finished_total', 'Ends of jobs.', ['repository', 'outcome']),
    opus_attempts_total: counter('opus_attempts_total', 'Ended attempts at stages.', ['stage', 'outcome']),
    opus_agent_busy_seconds_total: counter('opus_agent_busy_seconds_total', 'Time of ended attempts.', ['agent']),
    opus_tokens_total: counter(
      'opus_tokens_total',
      'Tokens of ended model responses.',
      ['agent', 'model', 'kind'],
      [
        ['', '', 'input'],
        ['', '', 'output'],
      ],
    ),
    opus_cost_usd_total: counter(
      'opus_cost_usd_total',
      'Cost of ended model responses that no subscription pays for, where the price is known.',
      ['agent', 'model'],
      [['', '']],
    ),
    opus_model_responses_total: counter(
      'opus_model_responses_total',
      'Ended model responses, by whether the provider itself told what they took.',
      ['agent', 'model', 'count'],
    ),
  };
  const histograms = {
    opus_pipeline_duration_seconds: histogram(
      'opus_pipeline_duration_seconds',
      'From dispatch to the end of a job, waiting included.',
      ['outcome'],
      pipelineBuckets,
    ),
    opus_stage_duration_seconds: histogram(
      'opus_stage_duration_seconds',
      'Time of ended attempts at a stage.',
      ['stage', 'outcome'],
      stageBuckets,
    ),
  };
  let { throughEvent, throughAttempt, throughUsage } = kept;
  const open = new Set(kept.openAttempts);
  const openUsage = new Set(kept.openUsage);

  function countEndings(figures: RegistryFigures): void {
    for (;;) {
      const endings = figures.endings(throughEvent, batch);
      for (const { seq, at, outcome, job } of endings) {
        counters.opus_jobs_finished_total.add([job?.repository ?? '', outcome], 1);
        if (job) histograms.opus_pipeline_duration_seconds.observe([outcome], seconds(job.createdAt, at));
        throughEvent = seq;
      }
      if (endings.length < batch) return;
    }
  }

  function countAttempt(attempt: NumberedAttempt): void {
    const { agent, endedAt, number, stage, startedAt, status } = attempt;
    if (status === 'running' || endedAt === null) {
      open.add(number);
      return;
    }
    open.delete(number);
    const took = seconds(startedAt, endedAt);
    counters.opus_attempts_total.add([stage, status], 1);
    histograms.opus_stage_duration_seconds.observe([stage, status], took);
    if (agent !== null) counters.opus_agent_busy_seconds_total.add([agent], took);
  }

  function countAttempts(figures: RegistryFigures): void {
    if (open.size > 0) {
      const still = figures.attemptsNumbered([...open]);
      open.clear();
      for (const attempt of still) countAttempt(attempt);
    }
    // Numbers of forgotten attempts at the end are given out again.
    throughAttempt = Math.min(throughAttempt, figures.lastAttemptNumber());
    for (;;) {
      const attempts = figures.attemptsAfter(throughAttempt, batch);
      for (const attempt of attempts) {
        countAttempt(attempt);
        throughAttempt = attempt.number;
      }
      if (attempts.length < batch) return;
    }
  }

  function countUsage(figures: RegistryFigures): void {
    if (openUsage.size > 0) {
      const still = figures.usageNumbered([...openUsage]);
      openUsage.clear();
      for (const response of still) countResponse(response);
    }
    for (;;) {
      const responses = figures.usageAfter(throughUsage, batch);
      for (const response of responses) {
        countResponse(response);
        throughUsage = response.number;
      }
      if (responses.length < batch) return;
    }
  }

  function countResponse(response: NumberedUsage): void {
    const { number, agent, model, input, output, cost, estimated } = response;
    if (response.open === 1) {
      openUsage.add(number);
      return;
    }
    counters.opus_tokens_total.add([agent, model, 'input'], input);
    counters.opus_tokens_total.add([agent, model, 'output'], output);
    counters.opus_cost_usd_total.add([agent, model], cost);
    counters.opus_model_responses_total.add([agent, model, estimated === 1 ? 'estimated' : 'told'], 1);
  }

  return {
    catchUp(figures) {
      countEndings(figures);
      countAttempts(figures);
      countUsage(figures);
    },
    totals: () => ({
      throughEvent,
      throughAttempt,
      openAttempts: [...open],
      throughUsage,
      openUsage: [...openUsage],
      counters: Object.fromEntries(Object.entries(counters).map(([name, total]) => [name, total.rows()])),
      histograms: Object.fromEntries(Object.entries(histograms).map(([name, total]) => [name, total.rows()])),
    }),
  };
}

/** A clock that was set back makes nothing negative. */
function seconds(from: number, to: number): number {
  return Math.max(0, to - from) / 1_000;
}
