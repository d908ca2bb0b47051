import { OpusError } from '#shared/domain/errors.ts';
import type { EngineDependencies, StageOutcome, StageRun } from '../stage-context.ts';
import { runTestAgent } from './code.ts';
import { headOf } from './head.ts';
import { runRepositoryCommand, setUp } from './set-up.ts';

/** The gate is the command that the runner itself runs, in a tree in which only set-up has run. */
export async function runTest(dependencies: EngineDependencies, run: StageRun): Promise<StageOutcome> {
  const added = await runTestAgent(dependencies, run, headOf(run.job));
  const head = added ?? headOf(run.job);
  const jobFields = { headCommit: head };
  if (run.repositoryConfig.test === null) {
    return { status: 'passed', sentence: 'no test command is configured: nothing was tested', result: null, jobFields };
  }
  const tested = await testCommit(dependencies, run, head);
  return {
    status: tested.passed ? 'passed' : 'rejected',
    sentence: `${tested.evidence.argv.join(' ')} → ${tested.evidence.exitCode === null ? 'killed' : `exit ${tested.evidence.exitCode}`}`,
    result: null,
    commit: head,
    evidence: [tested.evidence],
    refusedHosts: tested.refusedHosts,
    jobFields,
  };
}

/** Runs the repository's tests on a commit, in a fresh tree. Rejects with `stage.test-timeout` when they do not end. */
export async function testCommit(dependencies: EngineDependencies, run: StageRun, commit: string) {
  const command = run.repositoryConfig.test ?? ['true'];
  const tree = await dependencies.worktrees.prepare({
    repository: run.repository,
    job: run.job.id,
    use: 'test',
    commit,
    writable: true,
  });
  const refusedAtSetUp = await setUp(dependencies, run, tree);
  const { evidence, timedOut, refusedHosts } = await runRepositoryCommand(dependencies, run, tree, command, 'test');
  run.signal.throwIfAborted();
  if (timedOut) {
    throw new OpusError(
      'stage.test-timeout',
      `The tests of ${run.job.id} (${command.join(' ')}) did not end within the stage's timeout.`,
      { hint: 'Raise timeouts.stage in opus.yml, or make the tests end.', details: { tail: evidence.tail } },
    );
  }
  return {
    passed: evidence.exitCode === 0,
    evidence,
    refusedHosts: [...new Set([...refusedAtSetUp, ...refusedHosts])],
  };
}
