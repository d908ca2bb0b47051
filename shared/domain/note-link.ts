/** One thing an FR says it depends on: the link's target without brackets, alias, heading and `.md`. */
export interface DependencyLink {
  readonly target: string;
  /** The line it stands on, counted from 1. */
  readonly line: number;
  /**
   * Set where a phrase of the body says it and not `depends_on`: `id` is an id in full, whether or not a note has it;
   * a `name` counts only where it leads to a feature request.
   */
  readonly mention?: 'id' | 'name';
}

/**
 * The target of `[[FR-009]]`, `[[FR-009|alias]]`, `[[folder/FR-009#x]]` or a plain `FR-009`; null when the text is
 * neither a link nor a plain name.
 */
export function linkTarget(text: string): string | null {
  const trimmed = text.trim();
  const wiki = /^!?\[\[([^[\]]*)\]\]$/.exec(trimmed);
  const inner = wiki ? (wiki[1] ?? '') : trimmed;
  if (!wiki && /[[\]]/.test(inner)) return null;
  const target = (inner.split('|', 1)[0] ?? '')
    .replace(/[#^].*$/s, '')
    .trim()
    .replace(/^(?:\.{0,2}\/)+/, '')
    .replace(/\.md$/i, '');
  return target === '' || target.includes('\n') ? null : target;
}

/** The links of one text: a single link or name, or several with commas between; null when it is anything else. */
export function linkTargets(text: string): string[] | null {
  const parts = text.match(/!?\[\[[^[\]]*\]\]|[^,[\]]+|[[\]]/g) ?? [];
  const targets = parts.filter((part) => part.trim() !== '').map(linkTarget);
  return targets.every((target) => target !== null) ? targets : null;
}

/** The last part of a path, without `.md`. */
export function noteName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.md$/i, '');
}
