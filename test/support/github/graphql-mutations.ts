import { GraphQLError } from 'graphql';
import { issueCommentObject, reviewCommentObject, threadObject } from './graphql-comments.ts';
import { pullObject } from './graphql-objects.ts';
import { projectMutations } from './graphql-projects.ts';
import { setDraft } from './pulls.ts';
import type { Issue, Pull, Repository, ReviewThread, Token } from './records.ts';
import { addIssueComment, replyInThread, setResolved } from './reviews.ts';
import type { GitHubState } from './state.ts';
import { nodeId } from './views.ts';

export type Input<T> = { readonly input: T & { readonly clientMutationId?: string | null } };

export function missingNode(id: string): GraphQLError {
  return new GraphQLError(`Could not resolve to a node with the global id of '${id}'`, {
    extensions: { type: 'NOT_FOUND' },
  });
}

export function itemOfNode(state: GitHubState, id: string): Issue | Pull {
  for (const repository of state.repositories.values()) {
    for (const item of repository.items.values()) {
      if (nodeId(item.kind === 'pull' ? 'PR' : 'I', item.id) === id) return item;
    }
  }
  throw missingNode(id);
}

export function threadOf(state: GitHubState, id: string): { readonly pull: Pull; readonly thread: ReviewThread } {
  for (const repository of state.repositories.values()) {
    for (const pull of state.pulls(repository)) {
      const thread = pull.threads.find((candidate) => nodeId('PRRT', candidate.id) === id);
      if (thread !== undefined) return { pull, thread };
    }
  }
  throw missingNode(id);
}

/** Refused in GitHub's way: an error in an answer of status 200. */
function demandWrite(state: GitHubState, token: Token, repository: Repository, name: string, needsRole: boolean): void {
  const forbid = (message: string): GraphQLError => new GraphQLError(message, { extensions: { type: 'FORBIDDEN' } });
  if (repository.isArchived) throw forbid('Repository was archived so is read-only.');
  const kind = token.kind === 'installation' ? 'integration' : 'personal access token';
  const isGranted =
    token.kind === 'classic' ? token.scopes.has('repo') : token.permissions.get('pull_requests') === 'write';
  if (!isGranted) throw forbid(`Resource not accessible by ${kind}`);
  const isAllowed = token.kind === 'installation' || state.may(token.login, repository, needsRole ? 'write' : 'read');
  if (!isAllowed) throw forbid(`${token.login} does not have the correct permissions to execute \`${name}\``);
}

export function mutations(state: GitHubState, token: Token) {
  const actor = token.login;

  function drafting(name: string, isDraft: boolean) {
    return ({ input }: Input<{ pullRequestId: string }>) => {
      const pull = itemOfNode(state, input.pullRequestId);
      if (pull.kind !== 'pull') throw missingNode(input.pullRequestId);
      demandWrite(state, token, pull.repository, name, true);
      setDraft(state, pull, isDraft, actor);
      return { clientMutationId: input.clientMutationId ?? null, pullRequest: () => pullObject(state, pull) };
    };
  }

  function resolving(name: string, isResolved: boolean) {
    return ({ input }: Input<{ threadId: string }>) => {
      const { pull, thread } = threadOf(state, input.threadId);
      demandWrite(state, token, pull.repository, name, true);
      setResolved(state, pull, thread, isResolved ? actor : null, actor);
      return { clientMutationId: input.clientMutationId ?? null, thread: () => threadObject(state, pull, thread) };
    };
  }

  return {
    convertPullRequestToDraft: drafting('ConvertPullRequestToDraft', true),
    markPullRequestReadyForReview: drafting('MarkPullRequestReadyForReview', false),
    resolveReviewThread: resolving('ResolveReviewThread', true),
    unresolveReviewThread: resolving('UnresolveReviewThread', false),
    addPullRequestReviewThreadReply({ input }: Input<{ pullRequestReviewThreadId: string; body: string }>) {
      const { pull, thread } = threadOf(state, input.pullRequestReviewThreadId);
      demandWrite(state, token, pull.repository, 'AddPullRequestReviewThreadReply', false);
      const comment = replyInThread(state, pull, thread, actor, input.body);
      return {
        clientMutationId: input.clientMutationId ?? null,
        comment: () => reviewCommentObject(state, pull, comment),
      };
    },
    addComment({ input }: Input<{ subjectId: string; body: string }>) {
      const item = itemOfNode(state, input.subjectId);
      demandWrite(state, token, item.repository, 'AddComment', false);
      const comment = addIssueComment(state, item, actor, input.body);
      return {
        clientMutationId: input.clientMutationId ?? null,
        commentEdge: () => ({ node: issueCommentObject(state, item, comment), cursor: '' }),
      };
    },
    ...projectMutations(state, token),
  };
}
