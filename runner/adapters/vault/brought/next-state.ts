import type { NoteHashes } from '../../../core/brought-vault/judge-bundle.ts';
import type { BroughtNote, BroughtState } from './brought-state.ts';

const mostPastTexts = 8;
const mostPastNotes = 20_000;
const mostOwn = 2_000;

/** As a device brought it, whole. */
export function withNotes(
  state: BroughtState,
  voice: string,
  brought: ReadonlyMap<string, BroughtNote>,
  current: NoteHashes,
): BroughtState {
  const changed = [...current].filter(([path, hash]) => brought.get(path)?.hash !== hash);
  return {
    ...state,
    isBrought: true,
    voice,
    notes: Object.fromEntries([...brought].map(([path, { hash, bytes }]) => [path, kept(hash, bytes)])),
    past: withPast(state.past, changed),
  };
}

export interface WrittenNote {
  readonly device: string;
  readonly path: string;
  /** Null when it is gone. */
  readonly hash: string | null;
  /** Whether it lies in the folders that are brought. */
  readonly isBrought: boolean;
  readonly at: number;
}

/** As one note stands after a write. */
export function withWritten(state: BroughtState, { device, path, hash, isBrought, at }: WrittenNote): BroughtState {
  if (!isBrought) {
    const { [path]: _before, ...own } = state.own;
    const all = hash === null ? own : { ...own, [path]: { hash, at } };
    return { ...state, voice: device, own: Object.fromEntries(Object.entries(all).slice(-mostOwn)) };
  }
  const { [path]: before, ...others } = state.notes;
  const isChanged = before !== undefined && before.hash !== hash;
  return {
    ...state,
    voice: device,
    notes: hash === null ? others : { ...others, [path]: { hash } },
    past: isChanged ? withPast(state.past, [[path, before.hash]]) : state.past,
  };
}

function kept(hash: string, bytes: number | undefined): BroughtNote {
  return bytes === undefined ? { hash } : { hash, bytes };
}

function withPast(
  past: BroughtState['past'],
  changed: readonly (readonly [path: string, hash: string])[],
): BroughtState['past'] {
  const next = new Map(Object.entries(past));
  for (const [path, hash] of changed) {
    const hashes = next.get(path) ?? [];
    // Those that changed last are forgotten last.
    next.delete(path);
    next.set(path, [...hashes.filter((other) => other !== hash), hash].slice(-mostPastTexts));
  }
  return Object.fromEntries([...next].slice(-mostPastNotes));
}
