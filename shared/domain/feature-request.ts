export const noteStatuses = [
  'idea',
  'planned',
  'in-progress',
  'in-review',
  'done',
  'needs-human',
  'blocked',
  'parked',
  'rejected',
] as const;
/** The user's word for where an FR stands; the runner moves it by compare-and-set only. */
export type NoteStatus = (typeof noteStatuses)[number];

/** The statuses an FR may be dispatched from. */
export const dispatchableStatuses: readonly NoteStatus[] = [
  'idea',
  'planned',
  'parked',
  'blocked',
  'rejected',
  'needs-human',
];

export const priorities = ['P0', 'P1', 'P2', 'P3'] as const;
export type Priority = (typeof priorities)[number];

export const complexities = ['simple', 'medium', 'complex'] as const;
export type Complexity = (typeof complexities)[number];

/** One thing wrong with a note. `line` counts from 1 in the file; `hint` says what to write instead. */
export interface NoteProblem {
  readonly code: NoteProblemCode;
  readonly message: string;
  readonly hint: string;
  readonly line: number;
  /** An `error` keeps the FR from being dispatched; a `warning` does not. */
  readonly severity: 'error' | 'warning';
}

export const noteProblemCodes = [
  'note.empty',
  'note.not-utf8',
  'note.too-large',
  'note.unreadable',
  'note.conflict-marker',
  'note.sync-conflict',
  'frontmatter.missing',
  'frontmatter.unterminated',
  'frontmatter.language-tag',
  'frontmatter.yaml',
  'frontmatter.tab',
  'frontmatter.duplicate-key',
  'frontmatter.not-a-mapping',
  'frontmatter.anchor',
  'id.missing',
  'id.invalid',
  'id.duplicate',
  'title.invalid',
  'status.missing',
  'status.unknown',
  'priority.unknown',
  'repo.unknown',
  'depends-on.invalid',
  'depends-on.unresolved',
  'depends-on.ambiguous',
  'depends-on.cycle',
  'complexity.unknown',
  'key.invalid',
] as const;
export type NoteProblemCode = (typeof noteProblemCodes)[number];

/** What an FR note says in its properties, as far as it could be understood, and every problem found. A broken note still has a path. */
export interface FeatureRequest {
  /** Path relative to the vault's root, with forward slashes. */
  readonly path: string;
  /** Empty when the note has none that can be used. */
  readonly id: string;
  readonly title: string;
  readonly status: NoteStatus | null;
  readonly priority: Priority;
  /** A name from opus.yml; null means the default repository. */
  readonly repo: string | null;
  /** Ids of FRs this one depends on, resolved from wikilinks by basename or alias. */
  readonly dependsOn: readonly string[];
  /** Those of them that only the body names; absent where the body does not count. */
  readonly bodyDependsOn?: readonly string[];
  /** The raw text of the `decision` key; empty when none is written. */
  readonly decision: string;
  readonly base: string | null;
  readonly agent: string | null;
  readonly complexity: Complexity | null;
  /** US dollars that its job may cost at most; null leaves it to opus.yml. */
  readonly budget: number | null;
  /** What the note says of a merge that nobody approves; null when it says nothing. */
  readonly autoMerge: boolean | null;
  /** The issue on the forge that it came from, or that merging closes. */
  readonly issue: number | null;
  readonly aliases: readonly string[];
  readonly tags: readonly string[];
  /** SHA-256 of the user's part: the body and the user's keys, so that the runner's own writes do not change it. */
  readonly contentHash: string;
  readonly problems: readonly NoteProblem[];
}

/** One note with its text, which is not kept of every note of a vault. */
export interface FeatureRequestNote extends FeatureRequest {
  /** The note's text after the frontmatter, line ends as in the file. */
  readonly body: string;
}

/** What `opus fr list --json` prints for one note. */
export interface FeatureRequestDocument {
  readonly id: string;
  readonly title: string;
  readonly status: NoteStatus | null;
  readonly priority: Priority;
  readonly path: string;
  readonly dependsOn: readonly string[];
  readonly problems: readonly { readonly code: NoteProblemCode; readonly message: string; readonly line: number }[];
}

export function isDispatchable(featureRequest: FeatureRequest): boolean {
  return (
    featureRequest.status !== null &&
    dispatchableStatuses.includes(featureRequest.status) &&
    !featureRequest.problems.some((problem) => problem.severity === 'error')
  );
}
