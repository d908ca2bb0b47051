import { OpusError } from '#shared/domain/errors.ts';
import * as z from 'zod/mini';
import type { ForgeMergeOutcome, MergeOnForge } from '../../core/ports/pull-requests.ts';
import { at, type GithubConnection } from './github-connection.ts';
import { isMerged, readPull, type PullAnswer } from './pull-answer.ts';

const mergeAnswer = z.object({ merged: z.boolean(), sha: z.string(), message: z.optional(z.string()) });

/** Merges on GitHub. It is looked at before, and wherever the answer leaves open what became of it. */
export async function mergePull(connection: GithubConnection, request: MergeOnForge): Promise<ForgeMergeOutcome> {
  const path = at`/repos/${connection.owner}/${connection.name}/pulls/${request.number}`;
  const look = async (): Promise<PullAnswer> => readPull((await connection.get('read a pull request', path)).data);
  const before = settled(await look(), request);
  if (before !== null) return before;
  try {
    const { data } = await connection.send('merge a pull request', 'PUT', `${path}/merge`, {
      sha: request.commit,
      merge_method: request.method,
      commit_title: request.title,
      commit_message: request.message,
    });
    const { merged, sha, message } = mergeAnswer.parse(data);
    return merged
      ? { kind: 'merged', commit: sha }
      : { kind: 'not-yet', reason: message ?? 'GitHub did not merge it.' };
  } catch (thrown) {
    if (!(thrown instanceof OpusError)) throw thrown;
    const { status } = thrown.details;
    if (status !== 405 && status !== 409 && thrown.code !== 'forge.unreachable') throw thrown;
    const pull = await look();
    const found = settled(pull, request);
    if (found !== null) return found;
    if (status !== 405 && status !== 409) throw thrown;
    const reason = thrown.message;
    const isConflict = pull.mergeable === false || pull.mergeable_state === 'dirty' || /merge conflict/i.test(reason);
    return { kind: isConflict ? 'conflict' : 'not-yet', reason };
  }
}

/** What the pull request itself says about how the merge ends; null while it can still be tried. */
function settled(pull: PullAnswer, request: MergeOnForge): ForgeMergeOutcome | null {
  if (isMerged(pull)) {
    // Merged by somebody else at another head is no merge of what was approved, but it is merged all the same.
    return { kind: 'merged', commit: pull.merge_commit_sha ?? pull.head.sha };
  }
  if (pull.state === 'closed') return { kind: 'closed' };
  if (pull.head.sha !== request.commit) return { kind: 'moved', head: pull.head.sha };
  return pull.draft === true ? { kind: 'not-yet', reason: `The pull request #${pull.number} is a draft.` } : null;
}
