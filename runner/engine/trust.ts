import type { Clock } from '../core/ports/clock.ts';
import type { JobRegistry, RegistryReader } from '../core/ports/job-registry.ts';
import type { CodeNote, Vault } from '../core/ports/vault.ts';

export interface NoteChange {
  readonly path: string;
  readonly kind: CodeNote['kind'];
  readonly state: 'new' | 'changed' | 'gone' | 'confirmed';
  /** The text in force; null when none was confirmed. */
  readonly before: string | null;
  /** The text on disk; null when the note is gone. */
  readonly after: string | null;
  readonly problems: readonly { readonly line: number; readonly message: string; readonly hint: string }[];
}

export interface Trust {
  /** Every agent, policy, rule and memory note, on disk or confirmed, by path. */
  changes(): Promise<NoteChange[]>;
  /** Puts what is on disk in force, a note that is gone out of force unless all are; a broken note is passed over. Returns how many changed. */
  confirm(paths: readonly string[] | 'all'): Promise<number>;
  /** The same for changes as a person was shown them. Returns the path of one that is something else by now; then none is confirmed. */
  confirmShown(shown: readonly NoteChange[]): Promise<string | null>;
}

/** What is wrong with a code note's text, empty when nothing is. */
export type CheckCodeNote = (note: Pick<CodeNote, 'path' | 'kind' | 'text'>) => NoteChange['problems'];

/** `registry` null: nothing was ever confirmed and nothing can be. */
export function createTrust(
  vault: Vault,
  registry: JobRegistry | RegistryReader | null,
  clock: Clock,
  check: CheckCodeNote,
): Trust {
  const changes = async (): Promise<NoteChange[]> => {
    const onDisk = await vault.codeNotes();
    const confirmed = new Map((registry?.trustedNotes() ?? []).map((note) => [note.path, note]));
    const present = onDisk.map((note): NoteChange => {
      const before = confirmed.get(note.path);
      const state = before === undefined ? 'new' : before.hash === note.hash ? 'confirmed' : 'changed';
      return {
        path: note.path,
        kind: note.kind,
        state,
        before: before?.text ?? null,
        after: note.text,
        problems: check(note),
      };
    });
    const gone = [...confirmed.values()]
      .filter((note) => !onDisk.some((candidate) => candidate.path === note.path))
      .map((note): NoteChange => ({
        path: note.path,
        kind: kindOfPath(note.path),
        state: 'gone',
        before: note.text,
        after: null,
        problems: [],
      }));
    return [...present, ...gone].sort((left, right) => left.path.localeCompare(right.path));
  };
  return {
    changes,
    async confirmShown(shown) {
      if (registry === null || !('trust' in registry)) return null;
      const onDisk = new Map((await vault.codeNotes()).map((note) => [note.path, note]));
      const moved = shown.find(({ path, after }) => (onDisk.get(path)?.text ?? null) !== after);
      if (moved) return moved.path;
      const at = clock.now();
      registry.trust(
        shown.flatMap(({ path }) => {
          const note = onDisk.get(path);
          return note ? [{ path, hash: note.hash, text: note.text, at }] : [];
        }),
      );
      registry.untrust(shown.filter(({ after }) => after === null).map(({ path }) => path));
      return null;
    },
    async confirm(paths) {
      if (registry === null || !('trust' in registry)) return 0;
      const all = await changes();
      // A vault that shows none at all has not been brought, or has not loaded: nobody has removed them one by one.
      const isEmpty = all.every(({ state }) => state === 'gone');
      const wanted = all.filter(
        (change) =>
          change.state !== 'confirmed' &&
          change.problems.length === 0 &&
          (paths === 'all' ? !isEmpty : paths.includes(change.path)),
      );
      const hashes = new Map((await vault.codeNotes()).map((note) => [note.path, note]));
      const now = clock.now();
      registry.trust(
        wanted.flatMap(({ path }) => {
          const note = hashes.get(path);
          return note ? [{ path, hash: note.hash, text: note.text, at: now }] : [];
        }),
      );
      registry.untrust(wanted.filter((change) => change.state === 'gone').map((change) => change.path));
      return wanted.length;
    },
  };
}

export function kindOfPath(path: string): CodeNote['kind'] {
  if (/(^|\/)agents\//.test(path)) return 'agent';
  if (/(^|\/)review-rules\//.test(path)) return 'review-rule';
  if (/(^|\/)memory\//.test(path)) return 'memory';
  return 'policy';
}
