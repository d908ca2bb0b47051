import { formatDuration, parseDuration } from '#shared/domain/duration.ts';
import { agentStages, type AgentStage } from '#shared/domain/stage.ts';
import { textOf, type FrontmatterEntry, type FrontmatterValue } from '#shared/frontmatter/entry.ts';
import type { AgentProfile, CredentialFile } from '../../core/ports/agent.ts';
import { nearestWord } from './nearest-word.ts';

const agentKeys = [
  'stage',
  'driver',
  'model',
  'command',
  'timeout',
  'stall',
  'concurrency',
  'endpoints',
  'tools',
  'credentials',
  'reads',
  'network',
  'skills',
  'constraints',
  'env',
  'match',
  'only',
];
/** Properties that Obsidian and people use on any note. */
const neutralKeys = ['aliases', 'tags', 'cssclasses', 'title', 'description'];

interface AgentNoteProblem {
  readonly message: string;
  readonly hint: string;
  readonly line: number;
}

/** Reads the properties of an agent note, and keeps what is wrong with them. */
export class AgentNoteReader {
  readonly problems: AgentNoteProblem[] = [];
  private readonly entries: ReadonlyMap<string, FrontmatterEntry>;

  constructor(entries: ReadonlyMap<string, FrontmatterEntry>) {
    this.entries = entries;
  }

  report(message: string, hint: string, line: number): void {
    this.problems.push({ message, hint, line });
  }

  reportKey(key: string, message: string, hint: string): void {
    this.report(message, hint, this.entries.get(key)?.line ?? 1);
  }

  checkKeys(): void {
    for (const { key, line } of this.entries.values()) {
      if (agentKeys.includes(key) || neutralKeys.includes(key)) continue;
      const near = nearestWord(key, agentKeys);
      const hint =
        near === null ? `The keys of an agent note are: ${agentKeys.join(', ')}.` : `Did you mean \`${near}\`?`;
      this.report(`\`${key}\` is no key of an agent note.`, hint, line);
    }
  }

  stages(): AgentStage[] {
    const entry = this.entries.get('stage');
    const names = strings(entry);
    if (!names || names.length === 0) {
      this.report(
        'The note names no stage.',
        `Write \`stage:\` and one or several of: ${agentStages.join(', ')}.`,
        entry?.line ?? 1,
      );
      return [];
    }
    const found: AgentStage[] = [];
    for (const name of names) {
      const stage = agentStages.find((candidate) => candidate === name.toLowerCase());
      if (stage) found.push(stage);
      else this.report(`\`${name}\` is no stage an agent works in.`, choice(name, agentStages), entry?.line ?? 1);
    }
    return [...new Set(found)];
  }

  word<Word extends string>(key: string, words: readonly Word[]): Word | null {
    const entry = this.entries.get(key);
    const text = textOf(entry);
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    const message =
      text === '' ? `The note names no ${key}.` : `\`${text ?? JSON.stringify(entry?.value)}\` is no ${key}.`;
    this.report(message, choice(text ?? '', words), entry?.line ?? 1);
    return null;
  }

  command(driver: AgentProfile['driver'] | null): string[] {
    const entry = this.entries.get('command');
    const hint = 'Write a list with the program first, as in `[node, "{{config_dir}}/agent.mjs", "{{prompt_file}}"]`.';
    if (!entry || textOf(entry) === '') {
      if (driver === 'command') this.report('The driver `command` needs a command.', hint, entry?.line ?? 1);
      return [];
    }
    if (entry.text !== null) {
      this.report('The command is one text; it is never given to a shell.', hint, entry.line);
      return [];
    }
    const parts = Array.isArray(entry.value) ? (entry.value as readonly FrontmatterValue[]) : [];
    const argv = parts.flatMap((part) => (typeof part === 'string' || typeof part === 'number' ? [String(part)] : []));
    const usable =
      argv.length > 0 &&
      argv.length === parts.length &&
      argv[0]?.trim() !== '' &&
      !argv.some((part) => part.includes('\0'));
    if (!usable) this.report('The command is no list of texts.', `${hint} Placeholders need quotes.`, entry.line);
    return usable ? argv : [];
  }

  model(): AgentProfile['model'] {
    const entry = this.entries.get('model');
    const text = textOf(entry);
    if (!entry || text === '') return null;
    if (text !== null) return text;
    const { value } = entry;
    const pairs = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
    const names = pairs.flatMap(([key, name]) =>
      typeof name === 'string' && name !== '' ? [[key, name] as const] : [],
    );
    if (names.length > 0 && names.length === pairs.length) return Object.fromEntries(names);
    this.report(
      'The model is neither a name nor names by complexity.',
      'Write a name, or `{ simple: …, medium: …, complex: … }`.',
      entry.line,
    );
    return null;
  }

  duration(key: 'timeout' | 'stall'): number | null {
    const entry = this.entries.get(key);
    const text = textOf(entry);
    if (!entry || text === '') return null;
    const milliseconds = text === null ? null : parseDuration(text);
    if (milliseconds !== null && milliseconds > 0 && milliseconds <= longest) return milliseconds;
    const hint = `Write a number with its unit, as in \`2h\`, \`5m\` or \`1h 30m\`; at most ${formatDuration(longest)}.`;
    this.report(`\`${text ?? JSON.stringify(entry.value)}\` is no ${key}.`, hint, entry.line);
    return null;
  }

  wholeNumber(key: string): number | null {
    const entry = this.entries.get(key);
    const text = textOf(entry);
    if (!entry || text === '') return null;
    if (text !== null && /^[1-9]\d{0,3}$/.test(text)) return Number(text);
    this.report(`\`${key}\` must be a whole number from 1 on.`, `Write \`${key}: 2\`, or leave it out.`, entry.line);
    return null;
  }

  list(key: string, shape: RegExp, hint: string): string[] {
    const entry = this.entries.get(key);
    const items = strings(entry);
    const fits = (item: string): boolean => item.length <= 1_000 && shape.test(item);
    if (items?.every(fits)) return items;
    const wrong = items?.find((item) => !fits(item))?.slice(0, 80) ?? JSON.stringify(entry?.value);
    this.report(`\`${wrong}\` cannot be used in \`${key}\`.`, hint, entry?.line ?? 1);
    return [];
  }

  constraints(): string {
    const items = strings(this.entries.get('constraints'));
    if (items) return items.join('\n');
    this.report(
      'The constraints are no text.',
      'Write one text in quotes, or a list of texts.',
      this.entries.get('constraints')?.line ?? 1,
    );
    return '';
  }

  credentials(driver: AgentProfile['driver'] | null): Pick<AgentProfile, 'credentials'> {
    const entry = this.entries.get('credentials');
    if (!entry || textOf(entry) === '') return {};
    if (driver === 'llm') {
      this.report('The driver `llm` runs no program that could hold a login.', 'Leave `credentials` out.', entry.line);
    }
    const items = Array.isArray(entry.value) ? (entry.value as readonly FrontmatterValue[]) : [entry.value];
    const files = items.map(credentialFile);
    const wrong = files.indexOf(null);
    if (wrong >= 0) {
      this.report(
        `\`${JSON.stringify(items[wrong]).slice(0, 80)}\` cannot be used in \`credentials\`.`,
        'Write files below the home folder, as in `[~/.codex/auth.json]` or `[{ file: ~/.codex/auth.json, refresh: true }]`.',
        entry.itemLines[wrong] ?? entry.line,
      );
    }
    const found = files.filter((file) => file !== null);
    return found.length === 0 ? {} : { credentials: found };
  }

  onlyNamed(): boolean {
    const entry = this.entries.get('only');
    const text = textOf(entry);
    if (!entry || text === '') return false;
    if (text === 'named') return true;
    this.report(
      `\`${text ?? JSON.stringify(entry.value)}\` cannot be used in \`only\`.`,
      'Write `only: named` for an agent that works only where a request names it, or leave it out.',
      entry.line,
    );
    return false;
  }

  match(): string | null {
    const entry = this.entries.get('match');
    const text = textOf(entry);
    if (!entry || text === '') return null;
    try {
      if (text !== null && text.length <= 1_000) {
        new RegExp(text, 'i');
        return text;
      }
    } catch {
      // Reported below, with everything else that is no pattern.
    }
    this.report(
      `\`${text ?? JSON.stringify(entry.value)}\` is no pattern.`,
      'Write words with bars between, as in `"api|endpoint"`.',
      entry.line,
    );
    return null;
  }
}

/** A timer of Node's cannot wait longer. */
const longest = parseDuration('24d') ?? 0;

/** One text or a list of texts; empty for a missing entry, null for anything else. */
function strings(entry: FrontmatterEntry | undefined): string[] | null {
  const text = textOf(entry);
  if (text !== null) return text === '' ? [] : [text];
  if (!Array.isArray(entry?.value)) return null;
  const items = entry.value as readonly FrontmatterValue[];
  const texts = items.flatMap((item) => (typeof item === 'string' || typeof item === 'number' ? [String(item)] : []));
  return texts.length === items.length ? texts : null;
}

function credentialFile(value: FrontmatterValue): CredentialFile | null {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const written = isMap ? (value as Readonly<Record<string, FrontmatterValue>>) : { file: value, refresh: false };
  const { file, refresh = false, ...others } = written as Readonly<Record<string, FrontmatterValue>>;
  if (typeof file !== 'string' || typeof refresh !== 'boolean' || Object.keys(others).length > 0) return null;
  const isPath = file.length <= 1_000 && /^(?:~\/|\/)[^\0]*[^/\0]$/.test(file) && !file.split('/').includes('..');
  return isPath ? { file, refresh } : null;
}

function choice(text: string, words: readonly string[]): string {
  const near = nearestWord(text, words);
  return near === null
    ? `Write one of: ${words.join(', ')}.`
    : `Did you mean \`${near}\`? There are: ${words.join(', ')}.`;
}
