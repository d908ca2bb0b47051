import { MarkdownRenderChild, type Plugin } from 'obsidian';
import { parseJobQuery, type JobQuery, type QueryProblem } from '../../shared/view-model/job-query.ts';
import type { ViewHost } from '../../shared/view/host.ts';
import { mountJobCard, mountJobList } from '../../shared/view/mount.tsx';

/** A code block named `opus` shows a job, or the jobs that its lines choose. */
export function registerCodeBlock(plugin: Plugin, host: ViewHost): void {
  plugin.registerMarkdownCodeBlockProcessor('opus', (source, element, context) => {
    const { query, problems } = parseJobQuery(source);
    if (query) context.addChild(new MountedChild(element, () => mountQuery(element, host, query)));
    else showProblems(element, problems);
  });
}

class MountedChild extends MarkdownRenderChild {
  private readonly mount: () => () => void;

  constructor(containerEl: HTMLElement, mount: () => () => void) {
    super(containerEl);
    this.mount = mount;
  }

  override onload(): void {
    this.register(this.mount());
  }
}

function mountQuery(element: HTMLElement, host: ViewHost, query: JobQuery): () => void {
  switch (query.kind) {
    case 'name':
      return mountJobCard(element, host, { job: query.name });
    case 'pull-request':
      return mountJobCard(element, host, { pullRequest: query.url });
    case 'list':
      return mountJobList(element, host, query.filter);
  }
}

function showProblems(element: HTMLElement, problems: readonly QueryProblem[]): void {
  const box = element.createDiv({ cls: 'opus-query-problems', attr: { role: 'alert' } });
  for (const { line, message } of problems) box.createEl('p', { text: `Line ${line}: ${message}` });
}
