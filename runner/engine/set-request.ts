import { OpusError } from '#shared/domain/errors.ts';
import type { FeatureRequest, NoteStatus, Priority } from '#shared/domain/feature-request.ts';
import type { KeyWrite, KeyWriteOutcome, Vault } from '../core/ports/vault.ts';

export interface RequestChange {
  readonly status?: NoteStatus | undefined;
  readonly priority?: Priority | undefined;
  /** The status that was shown, null for none; whatever stands there when it is left out. */
  readonly expect?: NoteStatus | null | undefined;
}

/** Sets what a person may set of a request in its own note, which stays the only truth. Returns the request as it reads then. */
export async function setRequest(
  vault: Pick<Vault, 'scan' | 'writeKeys'>,
  id: string,
  change: RequestChange,
): Promise<FeatureRequest> {
  const note = soundNote(await vault.scan(), id);
  const { status, priority } = change;
  const seen = change.expect === undefined ? note.status : change.expect;
  if (note.status !== seen && note.status !== status) throw clash(note.path, seen, note.status ?? '');
  // On its own, since a clash must leave all of the note as it is.
  if (status !== undefined && status !== note.status) {
    requireWritten(note.path, seen, await vault.writeKeys({ path: note.path, ...statusWrite(seen, status) }));
  }
  if (priority !== undefined) {
    requireWritten(
      note.path,
      seen,
      await vault.writeKeys({ path: note.path, keys: [['priority', priority]], status: null }),
    );
  }
  return soundNote(await vault.scan(), id);
}

/** Where there is none yet, there is nothing to compare with. */
function statusWrite(seen: NoteStatus | null, to: NoteStatus): Omit<KeyWrite, 'path'> {
  return seen === null ? { keys: [['status', to]], status: null } : { keys: [], status: { expect: [seen], to } };
}

function soundNote(notes: readonly FeatureRequest[], id: string): FeatureRequest {
  const [note, other] = notes.filter((candidate) => candidate.id === id);
  if (note === undefined) {
    throw new OpusError('vault.fr-not-found', `No note in the vault has the id ${id}.`, {
      hint: 'opus fr list names them; opus fr validate says what is wrong with the others.',
    });
  }
  const problem = note.problems.find(({ severity }) => severity === 'error');
  if (problem !== undefined) {
    throw new OpusError('vault.fr-invalid', `${note.path}:${problem.line}: ${problem.message}`, {
      hint: problem.hint,
    });
  }
  if (other !== undefined) {
    throw new OpusError('vault.fr-invalid', `${id} is the id of ${note.path} and of ${other.path}.`, {
      hint: 'Give one of them another id.',
    });
  }
  return note;
}

function requireWritten(path: string, seen: NoteStatus | null, outcome: KeyWriteOutcome): void {
  switch (outcome.kind) {
    case 'written':
    case 'unchanged':
      return;
    case 'clash':
      throw clash(path, seen, outcome.found);
    case 'gone':
      throw new OpusError('vault.fr-not-found', `${path} is gone.`, { hint: 'It was moved or deleted meanwhile.' });
    case 'refused':
      throw new OpusError('vault.note-unreadable', `${path}:${outcome.problem.line}: ${outcome.problem.message}`, {
        hint: outcome.problem.hint,
      });
  }
}

function clash(path: string, seen: NoteStatus | null, found: string): OpusError {
  const word = (status: string): string => (status === '' ? 'no status' : `"${status}"`);
  return new OpusError(
    'vault.clash',
    `${path} has ${word(found)} by now, not ${word(seen ?? '')} which you were shown; it was left as it is.`,
    { hint: 'Look at it again, then set what you want.' },
  );
}
