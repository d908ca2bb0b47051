import {
  closePull,
  createPull,
  mergePull,
  reopenPull,
  setDraft,
  tellIssue,
  type MergeMethod,
  type NewPull,
} from './pulls.ts';
import { addLabels, closeIssue, createIssue } from './issues.ts';
import { noticePushes } from './pushes.ts';
import type { Comment, Issue, Pull, Repository, Review, ReviewComment, ReviewThread } from './records.ts';
import {
  addIssueComment,
  addReview,
  dismissReview,
  replyInThread,
  setResolved,
  tellComment,
  type NewReview,
} from './reviews.ts';
import type { GitHubState } from './state.ts';

export interface Push {
  readonly branch: string;
  readonly files: Readonly<Record<string, string | null>>;
  readonly message?: string;
  /** Where a new branch begins, or where a force-push begins anew; the branch's head where it is left out. */
  readonly from?: string;
}

/** What a person does on GitHub's pages and with Git, beside whatever programs do. */
export interface Acting {
  push(repository: Repository, push: Push): string;
  deleteBranch(repository: Repository, branch: string): void;
  open(repository: Repository, pull: NewPull): Pull;
  review(pull: Pull, review: NewReview): Review;
  dismiss(pull: Pull, review: Review): void;
  comment(item: Issue | Pull, body: string): Comment;
  editComment(item: Issue | Pull, comment: Comment, body: string): void;
  reply(pull: Pull, thread: ReviewThread, body: string): ReviewComment;
  resolve(pull: Pull, thread: ReviewThread, isResolved?: boolean): void;
  close(item: Issue | Pull): void;
  reopen(pull: Pull): void;
  draft(pull: Pull, isDraft: boolean): void;
  merge(pull: Pull, method?: MergeMethod): string;
  openIssue(repository: Repository, issue: { title: string; body?: string; labels?: readonly string[] }): Issue;
  editIssue(item: Issue | Pull, changes: { title?: string; body?: string }): void;
  label(item: Issue | Pull, ...names: string[]): void;
}

export function acting(state: GitHubState, login: string): Acting {
  state.person(login);
  return {
    push(repository, { branch, files, message, from }) {
      const known = repository.bare.branch(branch);
      const start = from ?? known ?? repository.bare.branch(repository.defaultBranch);
      const author = state.author(login);
      const commit = repository.bare.commitFiles({
        branch,
        files,
        message: message ?? 'Change something',
        author,
        from: start,
        at: state.now(),
      });
      noticePushes(state, repository, login);
      return commit;
    },
    deleteBranch(repository, branch) {
      repository.bare.setRef(`refs/heads/${branch}`, null);
      noticePushes(state, repository, login);
    },
    open: (repository, pull) => createPull(state, repository, login, pull),
    review: (pull, review) => addReview(state, pull, login, review),
    dismiss: (pull, review) => {
      dismissReview(state, pull, review, login);
    },
    comment: (item, body) => addIssueComment(state, item, login, body),
    editComment(item, comment, body) {
      const before = comment.body;
      Object.assign(comment, { body, updatedAt: state.now() });
      tellComment(state, item, comment, 'edited', login, { changes: { body: { from: before } } });
    },
    reply: (pull, thread, body) => replyInThread(state, pull, thread, login, body),
    resolve: (pull, thread, isResolved = true) => {
      setResolved(state, pull, thread, isResolved ? login : null, login);
    },
    close(item) {
      if (item.kind === 'pull') closePull(state, item, login);
      else closeIssue(state, item, login, 'completed');
    },
    reopen: (pull) => {
      reopenPull(state, pull, login);
    },
    draft: (pull, isDraft) => {
      setDraft(state, pull, isDraft, login);
    },
    merge(pull, method = 'merge') {
      const commit = mergePull(state, pull, login, { method });
      noticePushes(state, pull.repository, login);
      return commit;
    },
    openIssue: (repository, issue) => createIssue(state, repository, login, issue),
    editIssue(item, changes) {
      Object.assign(item, changes, { updatedAt: state.now() });
      if (item.kind === 'issue') tellIssue(state, item, 'edited', login, { changes: {} });
    },
    label: (item, ...names) => {
      addLabels(state, item, login, names);
    },
  };
}
