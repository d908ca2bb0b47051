import { OpusError } from '#shared/domain/errors.ts';
import * as z from 'zod/mini';
import type { ObservedCheck } from '../../core/ports/pull-requests.ts';
import { checkRunOf, jobOf, type JobAnswer } from './check-failure.ts';
import { at, type GithubConnection } from './github-connection.ts';

const workflowAnswer = z.object({ status: z.nullish(z.string()), run_attempt: z.optional(z.int()) });

/** Runs a failed check once more; false where its maker cannot be asked for that. Asked again, it is not run again. */
export async function rerunCheck(connection: GithubConnection, check: ObservedCheck): Promise<boolean> {
  const run = await checkRunOf(connection, check.id);
  if (run === null) return false;
  const { owner, name } = connection;
  const job = await jobOf(connection, run);
  if (job === null) {
    return asked(connection, at`/repos/${owner}/${name}/check-runs/${run.id}/rerequest`, () => Promise.resolve(false));
  }
  if (await isRunAgain(connection, job)) return true;
  return asked(connection, at`/repos/${owner}/${name}/actions/jobs/${run.id}/rerun`, () => isRunAgain(connection, job));
}

async function asked(connection: GithubConnection, path: string, isDone: () => Promise<boolean>): Promise<boolean> {
  try {
    await connection.send('run a check again', 'POST', path);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof OpusError)) throw thrown;
    if (thrown.code === 'forge.unreachable') {
      if (await isDone()) return true;
      throw thrown;
    }
    // Too old, still running, or made by an app that does not do it: a permission that lacks is told differently.
    const isPermission =
      /not accessible by|scope|permission/i.test(thrown.message) &&
      !/cannot be re-?(?:run|requested)|unable to re-?run|already running/i.test(thrown.message);
    if (thrown.code === 'forge.forbidden' && isPermission) throw thrown;
    if (thrown.code === 'forge.forbidden' || thrown.code === 'forge.not-found' || thrown.code === 'forge.refused')
      return false;
    throw thrown;
  }
}

/** A run of the workflow has begun since that job's. */
async function isRunAgain(connection: GithubConnection, job: JobAnswer): Promise<boolean> {
  const path = at`/repos/${connection.owner}/${connection.name}/actions/runs/${job.run_id}`;
  const { run_attempt: attempt } = workflowAnswer.parse((await connection.get('read a run', path)).data);
  return attempt !== undefined && job.run_attempt !== undefined && attempt > job.run_attempt;
}
