/** What a merge that did not succeed leaves for the fix round. */
export interface MergeRefusal {
  /** `conflict`: the texts clash; `tests`: they merge, and the tests fail on the result. */
  readonly kind: 'conflict' | 'tests';
  readonly files: readonly string[];
  readonly detail: string;
  /** The base merged into the branch, conflict markers and all: where the fix round starts. */
  readonly startFrom: string;
  readonly base: string;
}

export function mergeRefusalOf(result: unknown): MergeRefusal | null {
  const candidate = result as Partial<MergeRefusal> | null;
  return candidate?.kind === 'conflict' || candidate?.kind === 'tests' ? (candidate as MergeRefusal) : null;
}
