import { readdirSync, readFileSync } from 'node:fs';
import { expect, vi } from 'vitest';
import type { Job } from '../../runner/core/ports/job-registry.ts';
import type { FaultLab } from './fault-lab.ts';
import { patience } from './service-process.ts';

/** Until the job is as told. */
export async function untilJob(lab: FaultLab, fields: Partial<Job>, job = 'FR-1-1'): Promise<void> {
  await vi.waitFor(() => {
    expect(lab.job(job)).toMatchObject(fields);
  }, patience);
}

/** Until all have succeeded, and their notes say so. */
export async function untilDone(lab: FaultLab, ...jobs: readonly string[]): Promise<void> {
  for (const job of jobs) {
    await untilJob(lab, { status: 'succeeded' }, job);
    await vi.waitFor(() => {
      expect(lab.note(job.replace(/-\d+$/, ''))).toMatch(/^status: done$/m);
    }, patience);
  }
}

export async function untilStory(lab: FaultLab, story: readonly string[], job = 'FR-1-1'): Promise<void> {
  await vi.waitFor(() => {
    expect(lab.story(job)).toEqual(story);
  }, patience);
}

/** Until the agent, or command, of the job's newest attempt is at work and not only recorded. */
export async function untilAtWork(lab: FaultLab, purpose: '' | '-setup' | '-test' = '', job = 'FR-1-1'): Promise<void> {
  await vi.waitFor(() => {
    expect(lab.output(job, `${lab.attempts(job).at(-1)?.id ?? ''}${purpose}`)).toContain('begun');
  }, patience);
}

/** Agents of the lab's job that are alive, by the number of their attempt. */
export function livingAgents(lab: FaultLab, job: string): string[] {
  const environments = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
      } catch {
        return [];
      }
    });
  const attempts = environments
    // Other labs have jobs of that name too.
    .filter((environment) => environment.some((entry) => entry.startsWith(`OPUS_PROMPT_FILE=${lab.data}/`)))
    .filter((environment) => environment.includes(`OPUS_JOB_ID=${job}`))
    .flatMap((environment) => environment.filter((entry) => entry.startsWith('OPUS_ATTEMPT=')));
  return [...new Set(attempts.map((entry) => entry.slice('OPUS_ATTEMPT='.length)))].sort();
}
