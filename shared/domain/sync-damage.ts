/** The marks that file synchronisation and merges leave in a vault. */
const conflictCopyNames = [
  /\.sync-conflict-\d{8}[-\w]*$/i,
  /\((?:[^()]*\s)?conflicted copy[^()]*\)$/i,
  /\(conflict(?:\s+\d[^()]*)?\)$/i,
  /\(SFConflict[^()]*\)$/i,
  /[-_ ]conflict[-_ ]\d{4}-?\d{2}-?\d{2}[-_ \d]*$/i,
];

/** Whether a file's name (without folder) says that a synchronisation made it beside the original. */
export function isConflictCopyName(name: string): boolean {
  return originalOfConflictCopy(name) !== null;
}

/** The name, without `.md`, of the note that a file with this name is a copy of; null for a name that says no such thing. */
export function originalOfConflictCopy(name: string): string | null {
  const stem = name.replace(/\.md$/i, '');
  const pattern = conflictCopyNames.find((candidate) => candidate.test(stem));
  return pattern ? stem.replace(pattern, '').trimEnd() : null;
}

/** The line, counted from 1, of the first merge conflict marker outside code fences; null when there is none. */
export function conflictMarkerLine(text: string): number | null {
  if (!text.includes('<<<<<<<') && !text.includes('>>>>>>>')) return null;
  let fence: string | null = null;
  let number = 0;
  for (const line of text.split('\n')) {
    number += 1;
    const ticks = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
    if (fence !== null) {
      if (ticks?.[1]?.startsWith(fence) && ticks[2]?.trim() === '') fence = null;
    } else if (ticks?.[1] !== undefined && !(ticks[1].startsWith('`') && ticks[2]?.includes('`'))) {
      fence = ticks[1];
    } else if (/^(?:<{7}|>{7})(?:[ \r]|$)/.test(line)) {
      return number;
    }
  }
  return null;
}
