/** A property's value, as the YAML 1.2 core schema reads it; dates stay text. */
export type FrontmatterValue =
  string | number | boolean | null | readonly FrontmatterValue[] | { readonly [key: string]: FrontmatterValue };

export interface FrontmatterEntry {
  readonly key: string;
  readonly value: FrontmatterValue;
  /** A scalar as written, without quotes, so that `1e5` or `007` can be read as text; null for lists and maps. */
  readonly text: string | null;
  /** The key's line, counted from 1 in the file. */
  readonly line: number;
  /** The line of each item of a list; empty for everything else. */
  readonly itemLines: readonly number[];
}

/** A scalar's text, trimmed; empty for a missing entry or an empty value; null for a list or a map. */
export function textOf(entry: FrontmatterEntry | undefined): string | null {
  if (!entry) return '';
  return entry.text === null ? null : entry.text.trim();
}
