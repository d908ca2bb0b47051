import type { Evidence } from '#shared/domain/evidence.ts';
import { reviewResult, type ReviewIssue } from '#shared/domain/stage.ts';
import type { CheckFailure } from '../ports/pull-requests.ts';
import { checksText, remarksText } from '../pull-request/feedback-text.ts';
import type { Remark } from '../pull-request/happening.ts';
import { mergeRefusalOf, type MergeRefusal } from './merge-refusal.ts';
import type { Feedback } from './position.ts';

/** What the prompt of a fix round is told. */
export interface FixContext {
  readonly issues: readonly ReviewIssue[];
  readonly evidence: Evidence | null;
  readonly conflict: MergeRefusal | null;
  /** Checks of the forge that failed. */
  readonly checks: readonly CheckFailure[];
  /** What reviewers on the forge ask for. */
  readonly remarks: readonly Remark[];
  readonly comment: string;
}

export function fixContextOf(feedback: readonly Feedback[]): FixContext {
  let issues: readonly ReviewIssue[] = [];
  let evidence: Evidence | null = null;
  let conflict: MergeRefusal | null = null;
  let checks: readonly CheckFailure[] = [];
  let remarks: readonly Remark[] = [];
  const comments: string[] = [];
  for (const item of feedback) {
    if (item.kind === 'comment') comments.push(item.comment);
    else if (item.kind === 'checks') {
      checks = item.failures;
      comments.push(checksText(checks));
    } else if (item.kind === 'remarks') {
      remarks = [...remarks, ...item.remarks];
      comments.push(remarksText(item.remarks));
    } else if (item.kind === 'conflict') conflict = item.refusal;
    else {
      const { attempt } = item;
      const review = reviewResult.safeParse(attempt.result);
      if (attempt.stage === 'review' && review.success) issues = review.data.issues;
      // Code is rejected only for a conflict that it did not settle.
      if (attempt.stage === 'merge' || attempt.stage === 'code') conflict = mergeRefusalOf(attempt.result);
      const failing = attempt.evidence.findLast((candidate) => candidate.exitCode !== 0);
      if (failing) evidence = failing;
    }
  }
  return {
    issues,
    evidence,
    conflict,
    checks,
    remarks,
    comment: comments.filter((comment) => comment !== '').join('\n\n'),
  };
}

/** Those of `files` in which a unified diff adds conflict markers, both the opening and the closing one. */
export function filesWithMarkers(diff: string, files: readonly string[]): string[] {
  return diff.split(/(?<![^\n])diff --git /).flatMap((part) => {
    const path = /^\+\+\+ b\/(.+?)\t?$/m.exec(part)?.[1];
    const marked = /^\+<{7} /m.test(part) && /^\+>{7} /m.test(part);
    return path !== undefined && marked && files.includes(path) ? [path] : [];
  });
}
