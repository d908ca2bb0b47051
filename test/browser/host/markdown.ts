import MarkdownIt from 'markdown-it';
import type { App } from './app.ts';
import { Component } from './events.ts';
import { getFrontMatterInfo } from './metadata.ts';

const reader = new MarkdownIt({ linkify: true });
// Obsidian follows links to files of the machine, too.
reader.validateLink = (url) => !/^(?:javascript|vbscript|data):/i.test(url.trim());
type InlineRule = Parameters<typeof reader.inline.ruler.before>[2];

const wikiLinks: InlineRule = (state, silent) => {
  const found = /^\[\[([^\][|]+)(?:\|([^\]]*))?\]\]/.exec(state.src.slice(state.pos));
  if (!found) return false;
  const [all, target = '', shown = target] = found;
  if (!silent) {
    const open = state.push('link_open', 'a', 1);
    open.attrs = [
      ['class', 'internal-link'],
      ['href', target],
      ['data-href', target],
    ];
    state.push('text', '', 0).content = shown;
    state.push('link_close', 'a', -1);
  }
  state.pos += all.length;
  return true;
};
reader.inline.ruler.before('link', 'wiki-link', wikiLinks);

export class MarkdownRenderChild extends Component {
  readonly containerEl: HTMLElement;

  constructor(container: HTMLElement) {
    super();
    this.containerEl = container;
  }
}

export interface PostProcessorContext {
  readonly docId: string;
  readonly sourcePath: string;
  readonly frontmatter: Record<string, unknown> | null;
  addChild(child: MarkdownRenderChild): void;
  getSectionInfo(element: HTMLElement): { text: string; lineStart: number; lineEnd: number } | null;
}

export type PostProcessor = ((element: HTMLElement, context: PostProcessorContext) => unknown) & { sortOrder?: number };
export type CodeBlockHandler = (source: string, element: HTMLElement, context: PostProcessorContext) => unknown;

export const MarkdownRenderer = {
  async render(
    app: App,
    markdown: string,
    element: HTMLElement,
    sourcePath: string,
    component: Component,
  ): Promise<void> {
    await renderMarkdown(app, markdown, element, sourcePath, component);
  },
};

/** One block after the other, as Obsidian does it: a processor sees one at a time. */
export async function renderMarkdown(
  app: App,
  markdown: string,
  element: HTMLElement,
  sourcePath: string,
  component: Component,
): Promise<void> {
  const { contentStart } = getFrontMatterInfo(markdown);
  const firstLine = markdown.slice(0, contentStart).split('\n').length - 1;
  const rendered = createDiv();
  const parsed = new DOMParser().parseFromString(reader.render(markdown.slice(contentStart)), 'text/html');
  rendered.append(...parsed.body.childNodes);
  const file = app.vault.getFileByPath(sourcePath);
  for (const block of [...rendered.children]) {
    const section = element.createDiv(`el-${block.tagName.toLowerCase()}`);
    section.appendChild(block);
    for (const link of section.querySelectorAll<HTMLAnchorElement>('a:not(.internal-link)')) {
      link.className = 'external-link';
      link.target = '_blank';
      link.rel = 'noopener nofollow';
    }
    const context: PostProcessorContext = {
      docId: sourcePath,
      sourcePath,
      frontmatter: (file && app.metadataCache.getFileCache(file)?.frontmatter) ?? null,
      addChild: (child) => void component.addChild(child),
      getSectionInfo: () => ({ text: markdown, lineStart: firstLine, lineEnd: markdown.split('\n').length - 1 }),
    };
    for (const code of section.querySelectorAll('pre > code')) await renderCodeBlock(app, code, context);
    const processors = [...app.$postProcessors].sort((left, right) => (left.sortOrder ?? 0) - (right.sortOrder ?? 0));
    for (const processor of processors) await processor(section, context);
  }
}

async function renderCodeBlock(app: App, code: Element, context: PostProcessorContext): Promise<void> {
  const language = /language-(\S+)/.exec(code.className)?.[1] ?? '';
  const handler = app.$codeBlocks.get(language);
  if (!handler) return;
  const place = createDiv(`block-language-${language}`);
  code.parentElement?.replaceWith(place);
  await handler(code.textContent.replace(/\n$/, ''), place, context);
}
