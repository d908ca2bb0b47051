import { parse, stringify } from 'yaml';
import { bridge } from './bridge.ts';
import { Events } from './events.ts';
import { TFile, type TAbstractFile, type TFolder, type Vault } from './files.ts';

interface Loc {
  readonly line: number;
  readonly col: number;
  readonly offset: number;
}

export interface CachedMetadata {
  frontmatter?: Record<string, unknown>;
  frontmatterPosition?: { start: Loc; end: Loc };
  frontmatterLinks?: { key: string; link: string; original: string; displayText: string }[];
  links?: { link: string; original: string; displayText: string; position: { start: Loc; end: Loc } }[];
  headings?: { heading: string; level: number; position: { start: Loc; end: Loc } }[];
}

export function getFrontMatterInfo(content: string): {
  exists: boolean;
  frontmatter: string;
  from: number;
  to: number;
  contentStart: number;
} {
  const found = /^---[ \t]*\r?\n([\s\S]*?)(?:^|(?<=\n))---[ \t]*(?:\r?\n|$)/.exec(content);
  if (!found) return { exists: false, frontmatter: '', from: 0, to: 0, contentStart: 0 };
  const [all, frontmatter = ''] = found;
  const from = all.indexOf('\n') + 1;
  return { exists: true, frontmatter, from, to: from + frontmatter.length, contentStart: all.length };
}

export const parseYaml = (text: string): unknown => parse(text);
export const stringifyYaml = (value: unknown): string => stringify(value);
export const getLinkpath = (linktext: string): string => linktext.split('#')[0] ?? '';
export function parseLinktext(linktext: string): { path: string; subpath: string } {
  const path = getLinkpath(linktext);
  return { path, subpath: linktext.slice(path.length) };
}

const wikiLink = /\[\[([^\][|]+)(?:\|([^\]]*))?\]\]/g;

function metadataOf(text: string): CachedMetadata {
  const { exists, frontmatter, contentStart } = getFrontMatterInfo(text);
  const at = (offset: number): Loc => {
    const before = text.slice(0, offset).split('\n');
    return { line: before.length - 1, col: before.at(-1)?.length ?? 0, offset };
  };
  const result: CachedMetadata = {};
  if (exists) {
    const values = parsed(frontmatter);
    if (values !== null) result.frontmatter = values;
    result.frontmatterPosition = { start: at(0), end: at(contentStart) };
    result.frontmatterLinks = linksIn('', values);
  }
  const body = text.slice(contentStart);
  result.links = [...body.matchAll(wikiLink)].map((found) => {
    const [original, link = '', displayText = link] = found;
    const from = contentStart + found.index;
    return { link, original, displayText, position: { start: at(from), end: at(from + original.length) } };
  });
  result.headings = [...body.matchAll(/^(#{1,6}) +(.+)$/gm)].map((found) => {
    const [all, marks = '', heading = ''] = found;
    const from = contentStart + found.index;
    return { heading: heading.trim(), level: marks.length, position: { start: at(from), end: at(from + all.length) } };
  });
  return result;
}

function parsed(frontmatter: string): Record<string, unknown> | null {
  try {
    // Obsidian makes nothing of properties that are no YAML; `silent` would let errors pass, too.
    const value: unknown = parse(frontmatter, { logLevel: 'error' });
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function linksIn(key: string, value: unknown): NonNullable<CachedMetadata['frontmatterLinks']> {
  if (typeof value === 'string') {
    const found = /^\[\[([^\][|]+)(?:\|([^\]]*))?\]\]$/.exec(value);
    const [original, link = '', displayText = link] = found ?? [];
    return original === undefined ? [] : [{ key, link, original, displayText }];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => linksIn(key === '' ? name : `${key}.${name}`, inner));
}

export class MetadataCache extends Events {
  resolvedLinks: Record<string, Record<string, number>> = {};
  unresolvedLinks: Record<string, Record<string, number>> = {};
  readonly $vault: Vault;
  readonly $cache = new Map<string, CachedMetadata>();

  constructor(vault: Vault) {
    super();
    this.$vault = vault;
    vault.on('create', (file: TAbstractFile) => this.$update(file));
    vault.on('modify', (file: TAbstractFile) => this.$update(file));
    vault.on('rename', (file: TAbstractFile, oldPath: string) => {
      const known = this.$cache.get(oldPath);
      this.$cache.delete(oldPath);
      if (known) this.$cache.set(file.path, known);
    });
    vault.on('delete', (file: TAbstractFile) => {
      const known = this.$cache.get(file.path) ?? null;
      this.$cache.delete(file.path);
      if (file instanceof TFile) this.trigger('deleted', file, known);
    });
  }

  async $update(file: TAbstractFile): Promise<void> {
    if (!(file instanceof TFile) || file.extension !== 'md') return;
    const text = await bridge.read(file.path).catch(() => null);
    if (text === null) return;
    const cache = metadataOf(text);
    this.$cache.set(file.path, cache);
    this.trigger('changed', file, text, cache);
    this.trigger('resolve', file);
  }

  getCache(path: string): CachedMetadata | null {
    return this.$cache.get(path) ?? null;
  }

  getFileCache(file: TFile): CachedMetadata | null {
    return this.getCache(file.path);
  }

  getFirstLinkpathDest(linkpath: string, _sourcePath: string): TFile | null {
    const exact = this.$vault.getFileByPath(linkpath) ?? this.$vault.getFileByPath(`${linkpath}.md`);
    if (exact) return exact;
    const ending = `/${linkpath.toLowerCase()}`;
    const matches = this.$vault
      .getFiles()
      .filter(({ path }) => [ending, `${ending}.md`].some((each) => `/${path.toLowerCase()}`.endsWith(each)));
    return matches.sort((left, right) => left.path.length - right.path.length)[0] ?? null;
  }

  fileToLinktext(file: TFile): string {
    return file.extension === 'md' ? file.basename : file.name;
  }
}

export class FileManager {
  readonly $vault: Vault;

  constructor(vault: Vault) {
    this.$vault = vault;
  }

  /** Rewrites all of it, as Obsidian does: comments, quotes and spacing are lost. */
  async processFrontMatter(file: TFile, change: (frontmatter: Record<string, unknown>) => void): Promise<void> {
    await this.$vault.process(file, (text) => {
      const { frontmatter, contentStart } = getFrontMatterInfo(text);
      const values = parsed(frontmatter) ?? {};
      change(values);
      return `---\n${stringify(values)}---\n${text.slice(contentStart)}`;
    });
  }

  async renameFile(file: TAbstractFile, newPath: string): Promise<void> {
    await this.$vault.rename(file, newPath);
  }

  async trashFile(file: TAbstractFile): Promise<void> {
    await this.$vault.delete(file);
  }

  getNewFileParent(_sourcePath: string): TFolder {
    return this.$vault.getRoot();
  }

  generateMarkdownLink(file: TFile): string {
    return `[[${file.basename}]]`;
  }
}
