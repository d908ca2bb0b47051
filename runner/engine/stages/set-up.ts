import { OpusError } from '#shared/domain/errors.ts';
import type { Evidence } from '#shared/domain/evidence.ts';
import type { Mount } from '../../core/ports/sandbox.ts';
import type { Tree } from '../../core/ports/worktrees.ts';
import type { EngineDependencies, StageRun } from '../stage-context.ts';
import { hiddenPaths } from './hidden-paths.ts';

export interface CommandRun {
  readonly evidence: Evidence;
  readonly timedOut: boolean;
  readonly refusedHosts: readonly string[];
}

/** A command of opus.yml, run by the runner itself in the sandbox: what evidence is made of. */
export async function runRepositoryCommand(
  dependencies: EngineDependencies,
  run: StageRun,
  tree: Tree,
  command: readonly string[],
  purpose: 'setup' | 'test',
): Promise<CommandRun> {
  const { repositoryConfig } = run;
  const about = { job: run.job.id, attempt: run.attempt.id, stage: run.attempt.stage };
  dependencies.live.tell(about, { kind: 'command', purpose, command: command.join(' ') });
  const result = await dependencies.sandbox.run({
    argv: command as [string, ...string[]],
    cwd: tree.path,
    env: { ...repositoryConfig.env, CI: 'true' },
    mounts: [...tree.mounts, ...cacheMounts(run, tree, purpose)],
    hidden: hiddenPaths(dependencies.config),
    network: repositoryConfig.network,
    limits: run.limits,
    timeoutMs: dependencies.config.timeouts.stage,
    signal: run.signal,
    logFile: dependencies.files.logFile(run.job.id, `${run.attempt.id}-${purpose}`),
    onOutput: (text) => {
      dependencies.live.print(about, text);
      dependencies.progress({
        job: run.job.id,
        stage: run.attempt.stage,
        round: run.attempt.round,
        kind: 'output',
        text,
      });
    },
  });
  const ending = result.ending === 'exited' ? '' : `\n[ended by the runner: ${result.ending}]`;
  return {
    evidence: {
      argv: [...command],
      exitCode: result.ending === 'exited' ? result.exitCode : null,
      commit: tree.commit,
      durationMs: Math.round(result.durationMs),
      tail: `${result.tail}${ending}`,
    },
    timedOut: result.ending === 'timeout',
    refusedHosts: result.refusedHosts,
  };
}

/** Runs the repository's `setup` in a fresh tree, where there is one. */
export async function setUp(dependencies: EngineDependencies, run: StageRun, tree: Tree): Promise<readonly string[]> {
  const { setup } = run.repositoryConfig;
  if (setup === null) return [];
  const { evidence, refusedHosts } = await runRepositoryCommand(dependencies, run, tree, setup, 'setup');
  if (evidence.exitCode === 0) return refusedHosts;
  run.signal.throwIfAborted();
  const refused =
    refusedHosts.length > 0
      ? ` It asked for ${refusedHosts.join(', ')}, which repos.${run.job.repository}.network does not name.`
      : '';
  throw new OpusError(
    'stage.setup-failed',
    `The set-up command of ${run.job.repository} (${setup.join(' ')}) ended with ${evidence.exitCode ?? 'a signal'} in ${run.job.id}.${refused}`,
    {
      hint: `Look with: opus job log ${run.job.id}; then mend repos.${run.job.repository} in opus.yml and: opus job retry ${run.job.id}`,
      details: { tail: evidence.tail, refusedHosts },
    },
  );
}

/** Caches are filled by set-up and read by tests; an agent never sees them writable, so that it cannot poison another job. */
function cacheMounts(run: StageRun, tree: Tree, purpose: 'setup' | 'test'): Mount[] {
  return run.repositoryConfig.cache.map((cache) => ({
    source: cache.source,
    target: cache.target.startsWith('/') ? cache.target : `${tree.path}/${cache.target}`,
    mode: purpose === 'setup' ? 'read-write' : 'read-only',
  }));
}
