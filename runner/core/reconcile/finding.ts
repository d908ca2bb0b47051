import type { NoteStatus } from '#shared/domain/feature-request.ts';
import type { ConflictRegion, Keep } from './conflict-regions.ts';

export const findingCodes = [
  'copy.identical',
  'copy.nothing-new',
  'copy.adds',
  'copy.differs',
  'copy.no-original',
  'copy.unreadable',
  'markers.region',
  'markers.broken',
  'id.duplicate',
  'status.clash',
] as const;
export type FindingCode = (typeof findingCodes)[number];

/** One thing that a synchronisation, or two writers at once, left in the vault. */
export interface Finding {
  readonly code: FindingCode;
  readonly path: string;
  /** Counted from 1; null where the whole file is meant. */
  readonly line: number | null;
  readonly message: string;
  /** What to do, as a sentence. */
  readonly hint: string;
  /** `yes`: nobody has to choose. `choice`: one of `choices`. `by-hand`: only a person can. */
  readonly settles: 'yes' | 'choice' | 'by-hand';
  readonly choices: readonly Keep[];
  /** The two versions that a choice is between; null where there is none. */
  readonly versions: { readonly ours: string; readonly theirs: string } | null;
  /** The job of a clash. */
  readonly job: string | null;
  readonly settlement: Settlement | null;
}

/** What settling it takes, with the bytes that were looked at: nothing is written where there are others by then. */
export type Settlement =
  | { readonly kind: 'drop-copy'; readonly copy: SeenFile; readonly original: SeenFile }
  | { readonly kind: 'merge-copy'; readonly copy: SeenFile; readonly original: SeenFile; readonly text: string }
  | { readonly kind: 'region'; readonly note: SeenFile; readonly region: ConflictRegion }
  | {
      readonly kind: 'status';
      readonly note: SeenFile;
      readonly job: string;
      readonly found: NoteStatus;
      readonly runner: NoteStatus;
      /** The note's value asks the runner for something, which it does when it sees it; recording it would hide it. */
      readonly isRequest: boolean;
    };

export interface SeenFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export type Outcome =
  | { readonly kind: 'settled'; readonly what: string }
  /** Somebody wrote in between. */
  | { readonly kind: 'changed'; readonly what: string }
  /** The registry has to be changed, and a runner holds it; or it acts on the note by itself. */
  | { readonly kind: 'left-to-runner'; readonly what: string }
  | { readonly kind: 'left'; readonly what: string };
