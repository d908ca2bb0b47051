import type { NoteStatus, Priority } from '../domain/feature-request.ts';
import type { BoardFeatureRequest } from '../protocol/board.ts';
import type { RunnerClient } from '../protocol/client/runner-client.ts';

export type ViewName = 'sidebar' | 'board' | 'output' | 'review' | 'trust';

/** What the components need of where they are shown: inside Obsidian, or in a page. */
export interface ViewHost {
  readonly client: Pick<RunnerClient, 'state' | 'onChange' | 'call' | 'followOutput' | 'wake'>;
  readonly isMobile: boolean;
  /** `line` counts from 1. Null where notes cannot be opened, as in a page without Obsidian. */
  readonly openNote: ((path: string, line?: number) => void) | null;
  openUrl(url: string): void;
  openView(view: ViewName, job?: string): void;
  /** To set the connection up; where pairing is done. */
  openPairing(): void;
  confirm(question: {
    readonly title: string;
    readonly text: string;
    readonly action: string;
    readonly destructive: boolean;
  }): Promise<boolean>;
  /** Null when it was given up. */
  ask(question: {
    readonly title: string;
    readonly text: string;
    readonly label: string;
    readonly action: string;
    readonly required: boolean;
    readonly destructive: boolean;
  }): Promise<string | null>;
  /** What went wrong, or was done: one sentence, with what to do next. */
  tell(sentence: string): void;
  /** Dispatches after the note was looked at here; tells of everything itself. Rejects never. */
  dispatch(featureRequest: BoardFeatureRequest): Promise<void>;
  /** Changes the note's own properties; tells of a refusal itself, and is false then. Rejects never. */
  setProperties(
    featureRequest: BoardFeatureRequest,
    change: { readonly status?: NoteStatus; readonly priority?: Priority },
  ): Promise<boolean>;
  copy(text: string): Promise<void>;
  /** Puts a Lucide icon into the element, which has none yet. */
  setIcon(element: HTMLElement, name: string): void;
}
