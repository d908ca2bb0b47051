import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { endOrphans, sandboxName } from '../../runner/adapters/sandbox/orphans.ts';
import type { Job, JobRegistry, RegistryEvent } from '../../runner/core/ports/job-registry.ts';
import {
  askedInPullRequest,
  labRequests,
  userLinesOf,
  type Hosting,
  type LabRequest,
  type ServiceLab,
} from './service-lab.ts';

const jobOf = ({ id }: LabRequest): string => `${id}-1`;

/** That every job came to its right end, once, whatever happened on the way; with the service stopped. */
export function expectSoundEnd(lab: ServiceLab): void {
  const registry = openRegistry({ file: join(lab.data, 'registry.db'), clock: { now: () => 0 } });
  try {
    expectJobs(registry);
    expectEvents(registry.events({ afterSeq: 0, limit: 100_000 }));
  } finally {
    registry.close();
  }
  for (const request of labRequests) expectNote(lab, request);
  expectVaultFiles(lab);
  for (const repository of ['app', 'web'] as const) expectOrigin(lab, repository);
  if (lab.hosting !== null) expectEffects(lab.hosting);
  expectWorkingFiles(lab);
  expect(endOrphans(sandboxName(lab.data))).toBe(0);
  expect(processesOf(lab)).toEqual([]);
}

function expectJobs(registry: JobRegistry): void {
  const jobs = registry.jobs({ finished: true });
  expect(jobs.map(({ id }) => id).sort()).toEqual(labRequests.map(jobOf));
  for (const request of labRequests) {
    const job = jobs.find(({ featureRequestId }) => featureRequestId === request.id);
    expect(job).toMatchObject(endOf(request));
    const running = registry.attempts(jobOf(request)).filter(({ status }) => status === 'running');
    expect(running).toEqual([]);
    expect(registry.decisions(jobOf(request))).toHaveLength(request.approvedBy === null ? 0 : 1);
  }
  expect(registry.outbox()).toEqual([]);
}

function endOf({ approvedBy }: LabRequest): Partial<Job> {
  const always = { slot: null, error: null } as const;
  return approvedBy === null
    ? { ...always, status: 'waiting', waitingFor: 'approval', runState: 'waiting' }
    : { ...always, status: 'succeeded', waitingFor: null, runState: 'done', gate: null };
}

function storyOf({ fixRounds, approvedBy }: LabRequest): string[] {
  const rounds = Array.from({ length: fixRounds + 1 }, (_, round) => [
    `code.${round}`,
    `test.${round}`,
    `review.${round}`,
  ]);
  return [...rounds.flat(), `deliver.${fixRounds}`, ...(approvedBy === null ? [] : [`merge.${fixRounds}`])];
}

function expectEvents(events: readonly RegistryEvent[]): void {
  for (const request of labRequests) {
    const own = events.filter(({ jobId }) => jobId === jobOf(request));
    const finished: string[] = [];
    for (const { type, data } of own) {
      const stage = `${String(data['stage'])}.${String(data['round'])}`;
      const { status } = data;
      if (type === 'stage.started')
        expect(finished, `${request.id} begins a finished stage again`).not.toContain(stage);
      if (type === 'stage.completed' || status === 'rejected') finished.push(stage);
      else if (type === 'stage.failed') expect(['interrupted', 'canceled'], JSON.stringify(data)).toContain(status);
    }
    expect(finished).toEqual(storyOf(request));
    const times = (type: string): number => own.filter((event) => event.type === type).length;
    const once = ['job.started', 'pr.opened', ...(request.approvedBy === null ? [] : ['pr.merged', 'job.succeeded'])];
    for (const type of once) expect([request.id, type, times(type)]).toEqual([request.id, type, 1]);
    expectAfterDependency(request, own, events);
  }
}

function expectAfterDependency(
  request: LabRequest,
  own: readonly RegistryEvent[],
  all: readonly RegistryEvent[],
): void {
  if (request.dependsOn === null) return;
  const first = own.find(({ type }) => type === 'stage.started');
  const done = all.find(({ type, jobId }) => type === 'job.succeeded' && jobId === `${request.dependsOn}-1`);
  expect(first?.seq).toBeGreaterThan(done?.seq ?? Infinity);
}

/** That the user's lines are there and the properties can be read; at any moment. */
export function expectSoundNotes(lab: ServiceLab): void {
  for (const request of labRequests) {
    if (!existsSync(join(lab.vault, '10_features', `${request.id}.md`))) {
      expect(request.isLate).toBe(true);
      continue;
    }
    const lines = lab.note(request.id).split('\n');
    for (const line of userLinesOf(request)) expect(lines).toContain(line);
    for (const line of ['---', /^status: /, /^decision: /] as const) {
      const found = lines.filter((candidate) => (line === '---' ? candidate === line : line.test(candidate)));
      expect(found).toHaveLength(line === '---' ? 2 : 1);
    }
  }
}

function expectNote(lab: ServiceLab, request: LabRequest): void {
  expectSoundNotes(lab);
  const lines = lab.note(request.id).split('\n');
  const isParked = request.approvedBy === null;
  expect(lines).toContain(`status: ${isParked ? 'in-review' : 'done'}`);
  expect(lines).toContain(`run_state: ${isParked ? 'waiting' : 'done'}`);
  expect(lines).toContain(`run_report: "[[${jobOf(request)}]]"`);
  expect(lines).toContain('run_note: ""');
}

function expectVaultFiles({ vault }: ServiceLab): void {
  const files = (folder: string): string[] => readdirSync(join(vault, folder)).sort();
  expect(files('10_features')).toEqual(labRequests.map(({ id }) => `${id}.md`));
  expect(files('20_runs')).toEqual(labRequests.map((request) => `${jobOf(request)}.md`));
  expect(readdirSync(vault).sort()).toEqual(['00_system', '10_features', '20_runs']);
}

function expectOrigin(lab: ServiceLab, repository: LabRequest['repository']): void {
  const git = (...parameters: string[]): string => lab.git(repository, ...parameters).trim();
  const requests = labRequests.filter((request) => request.repository === repository);
  const merged = requests.filter(({ approvedBy }) => approvedBy !== null);
  git('fsck', '--strict');
  const isHosted = lab.hosting !== null && repository === 'web';
  const pulls = isHosted
    ? hostedPulls(lab.hosting)
    : git('for-each-ref', '--format=%(raw)', 'refs/opus/pulls')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { readonly job: string; readonly state: string })
        .map(({ job, state }) => `${job} ${state}`);
  const expected = requests.map((request) => `${jobOf(request)} ${request.approvedBy === null ? 'open' : 'merged'}`);
  expect(pulls.sort()).toEqual(expected);
  // A forge that merges itself is given a branch into which the base was merged before, where that had gone on.
  const line = isHosted ? ['--first-parent'] : [];
  const mergedJobs = git('log', '--merges', ...line, '--format=%(trailers:key=Opus-Job,valueonly,separator=)', 'main');
  expect(mergedJobs.split('\n').sort()).toEqual(merged.map(jobOf));
  for (const { id, fixRounds } of merged) {
    const rounds = Array.from({ length: fixRounds + 1 }, (_, round) => `round ${round}`);
    expect(git('show', `main:${id}.txt`)).toBe(rounds.join('\n'));
  }
  const branches = git('for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads').split('\n');
  const open = requests.filter(({ approvedBy }) => approvedBy === null);
  expect(branches.map((name) => name.replace(/-count-.*/, '')).sort()).toEqual([
    'main',
    ...open.map((request) => `opus/${jobOf(request)}`),
  ]);
  for (const { id } of open) {
    const head = git('for-each-ref', '--format=%(objectname:short=8)', `refs/heads/opus/${id}-1-*`);
    expect(lab.note(id)).toContain(`gate: "merge@${head}"`);
  }
}

function hostedPulls({ github, repository }: Hosting): string[] {
  return github.state.pulls(repository).map(({ headRef, state, mergedBy }) => {
    const job = /^opus\/(SK-\d+-\d+)-/.exec(headRef)?.[1] ?? headRef;
    return `${job} ${mergedBy === 'opus' ? 'merged' : state}`;
  });
}

/** By what was done there, and not by what is left of it: nothing was opened, merged or said twice. */
function expectEffects({ github, repository, pull }: Hosting): void {
  const requests = labRequests.filter((request) => request.repository === repository.name);
  const merged = requests.filter(({ approvedBy }) => approvedBy !== null);
  expect([github.effects('pull'), github.effects('merge')]).toEqual([requests.length, merged.length]);
  const said = requests.map(({ id }) => [id, ...(pull(id)?.comments ?? []).map(({ author }) => author)]);
  expect(said).toEqual(requests.map(({ id }) => [id, ...(id === askedInPullRequest ? ['alice', 'opus'] : [])]));
}

/** The trees of a job that waits are whole. What a kill left of a finished one is cleared by the service's upkeep, not at its end. */
function expectWorkingFiles(lab: ServiceLab): void {
  const listed = (folder: string): string[] => {
    const path = join(lab.data, folder);
    return existsSync(path) ? readdirSync(path).sort() : [];
  };
  for (const request of labRequests.filter(({ approvedBy }) => approvedBy === null)) {
    const uses = listed(join('worktrees', jobOf(request)));
    expect(uses).not.toEqual([]);
    for (const use of uses) {
      const tree = join(lab.data, 'worktrees', jobOf(request), use, 'tree');
      expect(readdirSync(tree).sort()).toEqual(expect.arrayContaining(['.git', 'README', `${request.id}.txt`]));
    }
  }
  // One that was killed while it was made lies beside until it is old.
  expect(listed('repos').filter((name) => !name.endsWith('.tmp'))).toEqual(['app.git', 'web.git']);
  for (const repository of ['app', 'web']) lab.git(join('data/repos', repository), 'fsck', '--strict');
}

/** Programs that still work on the lab: agents, git, the service itself. */
function processesOf(lab: ServiceLab): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((command) => command.includes(lab.folder));
}
