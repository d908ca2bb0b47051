import { MarkdownRenderChild, type Plugin } from 'obsidian';
import type { ViewHost } from '../../shared/view/host.ts';
import { mountJobCard } from '../../shared/view/mount.tsx';
import { jobOfPullRequest } from '../current-job.ts';

/** In reading view, a card below each paragraph that links to the pull request of a known job. */
export function registerReadingCards(plugin: Plugin, host: ViewHost): void {
  plugin.registerMarkdownPostProcessor((element, context) => {
    for (const link of element.querySelectorAll<HTMLAnchorElement>('a.external-link, a[href]')) {
      const url = link.getAttribute('href') ?? '';
      if (!/^(?:https?|file):/i.test(url)) continue;
      const block = link.closest('p, li, td, blockquote') ?? link;
      const place = block.createDiv({ cls: 'opus-card-place' });
      if (block.matches('p')) block.after(place);
      context.addChild(new PullRequestCard(place, { host, url, link }));
    }
  });
}

interface CardOptions {
  readonly host: ViewHost;
  readonly url: string;
  readonly link: HTMLElement;
}

/** Draws nothing before the pull request is known to be a job's. */
class PullRequestCard extends MarkdownRenderChild {
  private readonly options: CardOptions;
  private unmount: (() => void) | null = null;

  constructor(containerEl: HTMLElement, options: CardOptions) {
    super(containerEl);
    this.options = options;
  }

  override onload(): void {
    const { client } = this.options.host;
    this.draw();
    this.register(
      client.onChange(() => {
        this.draw();
      }),
    );
  }

  override onunload(): void {
    this.unmount?.();
    this.unmount = null;
  }

  private draw(): void {
    const { host, url, link } = this.options;
    if (this.unmount) return;
    const address = jobOfPullRequest(host.client.state(), url)?.pr?.url;
    if (address === undefined) return;
    this.unmount = mountJobCard(this.containerEl, host, { pullRequest: address });
    // Alone in its paragraph the link says nothing that the card does not.
    const paragraph = link.closest('p');
    if (paragraph?.textContent.trim() === link.textContent.trim()) paragraph.addClass('opus-replaced-by-card');
  }
}
