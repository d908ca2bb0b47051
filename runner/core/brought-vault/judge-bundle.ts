/** Notes by path, each by what names its text. */
export type NoteHashes = ReadonlyMap<string, string>;

export interface BundleJudging {
  /** What is taken for the vault now. */
  readonly current: NoteHashes;
  /** Texts that notes had and have no more, also those of notes that are gone. */
  readonly past: ReadonlyMap<string, readonly string[]>;
  readonly brought: NoteHashes;
  /** Whether the device that brings it is the one that the vault was last taken from, or written through. */
  readonly isVoice: boolean;
}

/**
 * What a bundle is beside what is known. `behind`: some of its notes are as they were once and are no more, or are not there
 * (yet, or any more), so that its device seems to wait for its own synchronisation. The voice is believed whatever it says.
 */
export type BundleVerdict = 'same' | 'newer' | 'behind';

export function judgeBundle({ current, past, brought, isVoice }: BundleJudging): BundleVerdict {
  let isSame = current.size === brought.size;
  for (const [path, hash] of brought) {
    const known = current.get(path);
    if (known === hash) continue;
    isSame = false;
    const wasThere = known === undefined ? past.has(path) : (past.get(path)?.includes(hash) ?? false);
    if (wasThere && !isVoice) return 'behind';
  }
  if (isSame) return 'same';
  const lacksSome = [...current.keys()].some((path) => !brought.has(path));
  return lacksSome && !isVoice ? 'behind' : 'newer';
}
