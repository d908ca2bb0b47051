import type { Priority } from '#shared/domain/feature-request.ts';
import type { ReviewResult } from '#shared/domain/stage.ts';
import type { AutoMergePolicy } from './configuration.ts';
import type { ObservedCheck } from './ports/pull-requests.ts';
import type { TamperFinding } from './tamper/find-tampering.ts';

export interface AutoMergeFacts {
  /** `limits.autoMerge` of opus.yml. */
  readonly isAllowed: boolean;
  readonly policy: AutoMergePolicy;
  readonly fourEyes: boolean;
  readonly priority: Priority;
  /** What the note says; null when it says nothing. */
  readonly wish: boolean | null;
  readonly review: ReviewResult | null;
  /** Whether tests ran on the head commit and passed. */
  readonly isTested: boolean;
  /** What the guard of the tests found; null when it could not look. */
  readonly tampering: readonly TamperFinding[] | null;
  /** Lines added and removed. */
  readonly lines: number;
  /** Of the head commit; null where the forge has none. */
  readonly checks: readonly ObservedCheck[] | null;
  /** Whether somebody asked for changes, or has a thread open. */
  readonly hasRemarks: boolean;
  /** Whether a person decided or pushed on this pull request: then a person also merges it. */
  readonly isSteered: boolean;
}

/** Why this change is not merged without a person; empty means that it is. Every condition must hold, and none does by default. */
export function reasonsForAPerson(facts: AutoMergeFacts): string[] {
  const { policy, review, tampering, checks } = facts;
  if (!facts.isAllowed) return ['opus.yml does not allow it'];
  const pending = (checks ?? []).filter(({ state }) => state === 'pending');
  const failed = (checks ?? []).filter(({ state }) => state === 'failed');
  const reasons: [boolean, string][] = [
    [facts.fourEyes, 'policy asks for four eyes'],
    [!policy.priorities.includes(facts.priority), `policy does not name ${facts.priority}`],
    [facts.wish === false, 'its note says no'],
    [review === null, 'it was not reviewed'],
    [review !== null && review.verdict !== 'pass', 'the reviewer refuses it'],
    [
      review !== null && review.confidence < policy.confidence,
      `the reviewer's confidence is ${review?.confidence ?? 0}, below ${policy.confidence}`,
    ],
    [!facts.isTested, 'its tests did not pass on this commit'],
    [tampering === null, 'the guard of the tests could not look'],
    [
      tampering !== null && tampering.length > 0,
      `the guard of the tests found ${tampering?.map(({ kind }) => kind).join(', ') ?? ''}`,
    ],
    [facts.lines > policy.lines, `it changes ${facts.lines} lines, more than ${policy.lines}`],
    [pending.length > 0, `${names(pending)} not ended`],
    [failed.length > 0, `${names(failed)} failed`],
    [facts.hasRemarks, 'reviewers have remarks'],
    [facts.isSteered, 'a person has had a hand in it'],
  ];
  return reasons.flatMap(([holds, reason]) => (holds ? [reason] : []));
}

function names(checks: readonly ObservedCheck[]): string {
  return `${checks.length === 1 ? 'the check' : 'the checks'} ${checks.map(({ name }) => name).join(', ')}`;
}
