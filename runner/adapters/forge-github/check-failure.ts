import { OpusError } from '#shared/domain/errors.ts';
import * as z from 'zod/mini';
import type { CheckFailure, ObservedCheck } from '../../core/ports/pull-requests.ts';
import { at, type GithubConnection } from './github-connection.ts';
import { endOf } from './log-tail.ts';
import { stepTail, type StepTimes } from './step-log.ts';

const runAnswer = z.object({
  id: z.int(),
  name: z.string(),
  html_url: z.nullish(z.string()),
  details_url: z.nullish(z.string()),
  app: z.nullish(z.object({ slug: z.optional(z.string()) })),
  check_suite: z.nullish(z.object({ id: z.int() })),
  output: z.object({
    title: z.nullish(z.string()),
    summary: z.nullish(z.string()),
    text: z.nullish(z.string()),
    annotations_count: z.int(),
  }),
});

const jobAnswer = z.object({
  run_id: z.int(),
  run_attempt: z.optional(z.int()),
  name: z.string(),
  html_url: z.nullish(z.string()),
  steps: z.optional(
    z.array(
      z.object({
        name: z.string(),
        conclusion: z.nullish(z.string()),
        started_at: z.nullish(z.string()),
        completed_at: z.nullish(z.string()),
      }),
    ),
  ),
});

const annotationAnswer = z.object({
  path: z.string(),
  start_line: z.int(),
  annotation_level: z.nullish(z.string()),
  title: z.nullish(z.string()),
  message: z.nullish(z.string()),
});

export type CheckRunAnswer = z.infer<typeof runAnswer>;
export type JobAnswer = z.infer<typeof jobAnswer>;

/** The check run of `check:123`; null for anything else. */
export async function checkRunOf(connection: GithubConnection, check: string): Promise<CheckRunAnswer | null> {
  const id = checkRunId(check);
  if (id === null) return null;
  const path = at`/repos/${connection.owner}/${connection.name}/check-runs/${id}`;
  return runAnswer.parse((await connection.get('read a check', path)).data);
}

export function checkRunId(check: string): number | null {
  const number = /^check:(\d+)$/.exec(check)?.[1];
  return number === undefined ? null : Number(number);
}

/** A job of GitHub Actions has the number of its check. */
export async function jobOf(connection: GithubConnection, run: CheckRunAnswer): Promise<JobAnswer | null> {
  if (run.app?.slug !== 'github-actions') return null;
  const path = at`/repos/${connection.owner}/${connection.name}/actions/jobs/${run.id}`;
  return jobAnswer.parse((await connection.get('read a job', path)).data);
}

export async function checkFailure(connection: GithubConnection, check: ObservedCheck): Promise<CheckFailure> {
  const run = await checkRunOf(connection, check.id);
  if (run === null) return { check: check.name, job: null, step: null, tail: endOf(check.summary), url: check.url };
  const job = await jobOf(connection, run);
  const url = job?.html_url ?? run.html_url ?? run.details_url ?? check.url;
  if (job === null)
    return { check: check.name, job: null, step: null, tail: endOf(await ownWords(connection, run)), url };
  const step = (job.steps ?? []).find(
    ({ conclusion }) => conclusion === 'failure' || conclusion === 'timed_out' || conclusion === 'cancelled',
  );
  const log = await tailOfJob(connection, run.id, step === undefined ? null : timesOf(step));
  const tail = log === '' ? endOf(await ownWords(connection, run)) : log;
  return { check: check.name, job: job.name, step: step?.name ?? null, tail, url };
}

/** Empty when the log is not kept any more. */
async function tailOfJob(connection: GithubConnection, job: number, times: StepTimes | null): Promise<string> {
  const path = at`/repos/${connection.owner}/${connection.name}/actions/jobs/${job}/logs`;
  try {
    const log = await connection.download('read the log of a job', path);
    try {
      return await stepTail(log as AsyncIterable<Uint8Array>, times);
    } finally {
      log.destroy();
    }
  } catch (thrown) {
    if (thrown instanceof OpusError) {
      if (thrown.code === 'forge.not-found' || (thrown.code === 'forge.refused' && thrown.details['status'] === 410))
        return '';
      throw thrown;
    }
    throw new OpusError('forge.unreachable', `The log of a job in ${connection.repo} broke off.`);
  }
}

function timesOf(step: {
  readonly started_at?: string | null | undefined;
  readonly completed_at?: string | null | undefined;
}): StepTimes | null {
  const startedAt = toSecond(step.started_at);
  const completedAt = toSecond(step.completed_at);
  return startedAt === null || completedAt === null ? null : { startedAt, completedAt };
}

function toSecond(time: string | null | undefined): number | null {
  const parsed = Date.parse(time ?? '');
  return Number.isNaN(parsed) ? null : Math.floor(parsed / 1000) * 1000;
}

/** What a check that is no job of Actions tells of itself. */
async function ownWords(connection: GithubConnection, run: CheckRunAnswer): Promise<string> {
  const { output } = run;
  const annotations = output.annotations_count === 0 ? [] : await annotationsOf(connection, run.id);
  const parts = [output.title, output.summary, output.text, annotations.join('\n')];
  return parts.filter((part) => typeof part === 'string' && part.trim() !== '').join('\n\n');
}

async function annotationsOf(connection: GithubConnection, run: number): Promise<string[]> {
  const path = at`/repos/${connection.owner}/${connection.name}/check-runs/${run}/annotations`;
  const { data } = await connection.get('read the annotations of a check', path, { query: { per_page: 50 } });
  return (data as unknown[]).map((entry) => {
    const { path: file, start_line: line, annotation_level: level, title, message } = annotationAnswer.parse(entry);
    return `${file}:${line}: ${level ?? 'note'}: ${[title, message].filter((part) => part).join(': ')}`;
  });
}
