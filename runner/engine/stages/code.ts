import { createHash } from 'node:crypto';
import { OpusError } from '#shared/domain/errors.ts';
import type { CodeResult, TestResult } from '#shared/domain/stage.ts';
import { touchesCi, type CiChange } from '../../core/pipeline/ci-change.ts';
import { changeSizeOf } from '../../core/reporting/change-size.ts';
import { diffFiles } from '../../core/tamper/diff-files.ts';
import { filesWithMarkers, fixContextOf } from '../../core/pipeline/feedback.ts';
import { selectAgent } from '../../core/agents.ts';
import type { DiffStat } from '../../core/ports/worktrees.ts';
import type { EngineDependencies, StageOutcome, StageRun } from '../stage-context.ts';
import { planTextOf } from './plan-text.ts';
import { runAgent } from './run-agent.ts';
import { setUp } from './set-up.ts';

/** A settled conflict is looked through for markers as far as this. */
const diffBytes = 20_000_000;

/** The coder works in a tree of the last checkpoint's commit; what it leaves there becomes the next commit. */
export async function runCode(dependencies: EngineDependencies, run: StageRun): Promise<StageOutcome> {
  const { worktrees } = dependencies;
  const context = fixContextOf(run.feedback);
  const base = run.job.baseCommit ?? (await worktrees.fetch(run.repository, run.job.base));
  const head = run.job.headCommit ?? base;
  const start = context.conflict?.startFrom ?? head;
  const tree = await worktrees.prepare({
    repository: run.repository,
    job: run.job.id,
    use: 'agent',
    commit: start,
    writable: true,
  });
  const refusedAtSetUp = await setUp(dependencies, run, tree);
  const plan = planTextOf(dependencies.registry.attempts(run.job.id));
  const answer = await runAgent(dependencies, run, {
    stage: 'code',
    tree,
    treeMode: 'read-write',
    plan: plan.text,
    variables: {
      plan: plan.plan,
      issues: context.issues,
      evidence: context.evidence,
      conflict: context.conflict,
      checks: context.checks,
      remarks: context.remarks,
      comment: context.comment,
    },
  });
  const refusedHosts = [...new Set([...refusedAtSetUp, ...answer.report.refusedHosts])];
  if (answer.kind === 'canceled') return { status: 'canceled', sentence: 'canceled', result: null, refusedHosts };
  const result = answer.result as CodeResult;
  const commit = await worktrees.commit({
    tree,
    message: `${run.featureRequest.title}\n\n${result.summary}`,
    trailers: trailersOf(run),
    limits: run.limits,
    signal: run.signal,
    ...(context.conflict === null ? {} : { parents: [head, context.conflict.base] }),
  });
  if (commit === null) {
    throw new OpusError(
      'agent.no-change',
      `The agent of the code stage of ${run.job.id} ended without changing anything.`,
      { hint: `Read what it said with: opus job log ${run.job.id}; then: opus job retry ${run.job.id} --comment "…"` },
    );
  }
  if (context.conflict?.kind === 'conflict') {
    const { base, files } = context.conflict;
    const left = filesWithMarkers(await worktrees.diff(run.repository, base, commit, diffBytes), files);
    if (left.length > 0) {
      const sentence = `conflict markers are left in ${left.join(', ')}`;
      return { status: 'rejected', sentence, result: context.conflict, refusedHosts };
    }
  }
  const from = context.conflict?.base ?? base;
  const [stat, whole] = await Promise.all([
    worktrees.diffStat(run.repository, start, commit),
    from === start ? null : worktrees.diffStat(run.repository, from, commit),
    worktrees.keep(run.repository, run.job.id, commit),
  ]);
  const all = whole ?? stat;
  return {
    status: 'passed',
    sentence: `${stat.files.length} ${stat.files.length === 1 ? 'file' : 'files'}, +${stat.added} −${stat.removed}: ${result.summary}`,
    result: { ...result, size: changeSizeOf(all), ...(await ciChangeOf(dependencies, run, from, commit, all)) },
    commit,
    refusedHosts,
    jobFields: { headCommit: commit, baseCommit: from },
  };
}

/** What a forge would run of this change as soon as it is pushed, where it runs anything. */
async function ciChangeOf(
  { worktrees }: EngineDependencies,
  { repository, repositoryConfig }: StageRun,
  base: string,
  commit: string,
  { files }: DiffStat,
): Promise<{ readonly ci?: CiChange }> {
  if (repositoryConfig.forge === 'local') return {};
  const touched = files.map(({ path }) => path).filter(touchesCi);
  if (touched.length === 0) return {};
  const parts = diffFiles(await worktrees.diff(repository, base, commit, diffBytes));
  const shown = parts.filter(({ path, before }) => touched.includes(path) || touched.includes(before ?? ''));
  const hash = createHash('sha256')
    .update(JSON.stringify([touched, shown]))
    .digest('hex');
  return { ci: { files: touched, hash } };
}

/** A test agent may add tests; its words are advice. Null when no agent note works in the test stage. */
export async function runTestAgent(
  dependencies: EngineDependencies,
  run: StageRun,
  head: string,
): Promise<string | null> {
  if (!selectAgent(dependencies.confirmed().profiles, 'test', run.featureRequest)) return null;
  const tree = await dependencies.worktrees.prepare({
    repository: run.repository,
    job: run.job.id,
    use: 'agent',
    commit: head,
    writable: true,
  });
  await setUp(dependencies, run, tree);
  const plan = planTextOf(dependencies.registry.attempts(run.job.id));
  const answer = await runAgent(dependencies, run, {
    stage: 'test',
    tree,
    treeMode: 'read-write',
    plan: plan.text,
    variables: { plan: plan.plan, comment: fixContextOf(run.feedback).comment },
  });
  if (answer.kind === 'canceled') return null;
  const summary = (answer.result as TestResult | null)?.summary ?? 'Tests';
  const commit = await dependencies.worktrees.commit({
    tree,
    message: `Tests: ${run.featureRequest.title}\n\n${summary}`,
    trailers: trailersOf(run),
    limits: run.limits,
    signal: run.signal,
  });
  if (commit !== null) await dependencies.worktrees.keep(run.repository, run.job.id, commit);
  return commit;
}

export function trailersOf(run: Pick<StageRun, 'job' | 'attempt'>): (readonly [string, string])[] {
  return [
    ['Opus-Job', run.job.id],
    ['Opus-Stage', run.attempt.stage],
    ['Opus-Round', String(run.attempt.round)],
  ];
}
