import { textOf, type FrontmatterEntry, type FrontmatterValue } from '../frontmatter/entry.ts';
import type { Frontmatter } from '../frontmatter/read.ts';
import type { NoteProblem, NoteProblemCode } from './feature-request.ts';
import { keyName, type NoteKey, type NoteKeyNames } from './note-keys.ts';

/** What was read of one frontmatter, and what was found wrong on the way. */
export class NoteReader {
  readonly problems: NoteProblem[];
  private readonly frontmatter: Frontmatter;
  /** A broken frontmatter, or one with two versions in it, makes problems that are only its consequence. */
  private readonly isQuiet: boolean;
  private readonly names: NoteKeyNames;

  constructor(frontmatter: Frontmatter, names: NoteKeyNames, isConflict: boolean) {
    this.frontmatter = frontmatter;
    this.names = names;
    this.problems = isConflict ? [] : [...frontmatter.problems];
    this.isQuiet = isConflict || this.isBroken;
  }

  get isBroken(): boolean {
    return this.frontmatter.problems.length > 0;
  }

  name(key: NoteKey): string {
    return keyName(this.names, key);
  }

  entry(key: NoteKey): FrontmatterEntry | undefined {
    return this.frontmatter.entries.get(this.name(key));
  }

  line(key: NoteKey): number {
    return this.entry(key)?.line ?? 1;
  }

  /** A scalar's text; a list or a map gives its JSON, which is no valid word anywhere. */
  text(key: NoteKey): { text: string; line: number } {
    const entry = this.entry(key);
    return { text: textOf(entry) ?? JSON.stringify(entry?.value), line: this.line(key) };
  }

  texts(key: NoteKey): string[] {
    const entry = this.entry(key);
    const value = entry?.text ?? entry?.value ?? '';
    const items = Array.isArray(value)
      ? (value as readonly FrontmatterValue[])
      : typeof value === 'string'
        ? value.split(',')
        : [];
    return items
      .flatMap((item) => (typeof item === 'string' || typeof item === 'number' ? [String(item).trim()] : []))
      .filter(Boolean);
  }

  report(
    code: NoteProblemCode,
    message: string,
    hint: string,
    line: number,
    severity: NoteProblem['severity'] = 'error',
  ): void {
    if (this.isQuiet) return;
    this.problems.push({ code, message, hint, line, severity });
  }
}
