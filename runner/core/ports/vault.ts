import type { FeatureRequest, FeatureRequestNote, NoteProblem, NoteStatus } from '#shared/domain/feature-request.ts';
import type { AgentProfile } from './agent.ts';

/** The notes. Reading never throws for what a user wrote: what is wrong comes back as problems. */
export interface Vault {
  /** Every FR note, broken ones included, with cross-note problems (duplicate ids, unresolved links, cycles). Rejects with `vault.not-found` only. */
  scan(): Promise<FeatureRequest[]>;
  /** One note, read anew; null when it is gone. Cross-note problems are not looked for. */
  read(path: string): Promise<FeatureRequestNote | null>;
  /** Changes keys of the frontmatter by range splice, compare-and-set on `expect`; writes nothing when every value is there already. */
  writeKeys(write: KeyWrite): Promise<KeyWriteOutcome>;
  /** Makes or replaces a note that the runner owns (a run report, a new FR). Path relative to the root; `id` as with keys. */
  writeNote(path: string, text: string, mode: 'create' | 'replace', id?: string): Promise<void>;
  /** Names (without .md) of the run reports, wherever they are under the reports folder. */
  reportNames(): Promise<string[]>;
  /** The run reports with where they are, those that were left alone for longest first. */
  reports(): Promise<RunReportNote[]>;
  /** The text of a note that the runner owns; null when it is gone or cannot be read. */
  readNote(path: string): Promise<string | null>;
  /** Removes a note that the runner owns while it still has exactly this text; false when it has another, or is gone. */
  removeNote(path: string, expected: string): Promise<boolean>;
  /** Policy and agent notes as they are on disk, unconfirmed. */
  codeNotes(): Promise<CodeNote[]>;
}

export interface RunReportNote {
  /** Without .md. */
  readonly name: string;
  readonly path: string;
}

export interface KeyWrite {
  readonly path: string;
  /** The runner's keys; null removes nothing, it writes an empty value. Order is the order in which new keys are appended. */
  readonly keys: readonly (readonly [string, string])[];
  readonly status: { readonly expect: readonly NoteStatus[]; readonly to: NoteStatus } | null;
  /** The same when it is tried again, so that a vault elsewhere applies it once. */
  readonly id?: string;
}

export type KeyWriteOutcome =
  | { readonly kind: 'written' | 'unchanged' }
  /** The keys were written, the status was not: a person changed it meanwhile and that stays. */
  | { readonly kind: 'clash'; readonly found: string }
  | { readonly kind: 'gone' }
  /** The note cannot be written safely now (conflict markers, broken frontmatter). */
  | { readonly kind: 'refused'; readonly problem: NoteProblem };

/** A note that can name commands or policy, so that a changed one takes effect only when confirmed. */
export interface CodeNote {
  readonly path: string;
  readonly kind: 'agent' | 'policy' | 'review-rule' | 'memory';
  readonly text: string;
  /** SHA-256 of the bytes, hexadecimal. */
  readonly hash: string;
}

export type ParsedAgent =
  | { readonly kind: 'agent'; readonly profile: AgentProfile }
  | {
      readonly kind: 'invalid';
      readonly problems: readonly { readonly message: string; readonly hint: string; readonly line: number }[];
    };
