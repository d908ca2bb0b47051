import type { Plugin } from 'obsidian';
import type { ViewHost } from '../../shared/view/host.ts';
import { permits } from '../../shared/view/frame/host-context.ts';
import { sentenceOf } from '../connection/pairing.ts';
import { jobOfPullRequest } from '../current-job.ts';
import { decisionsOf } from '../decide.ts';

/** On a link to the pull request of a known job: approve it where that is asked, and open what belongs to it. */
export function registerUrlMenu(plugin: Plugin, host: ViewHost): void {
  plugin.registerEvent(
    plugin.app.workspace.on('url-menu', (menu, url) => {
      const state = host.client.state();
      const job = jobOfPullRequest(state, url);
      if (!job) return;
      const approve = decisionsOf(job).find(({ name }) => name === 'approve');
      if (approve && permits(state, approve.needs)) {
        menu.addItem((item) =>
          item
            .setTitle(`Approve ${job.fr}`)
            .setIcon('check')
            .setSection('action')
            .onClick(() => {
              approve.act(host).catch((thrown: unknown) => {
                host.tell(sentenceOf(thrown));
              });
            }),
        );
      }
      menu.addItem((item) =>
        item
          .setTitle(`Open the review of ${job.fr}`)
          .setIcon('file-diff')
          .setSection('action')
          .onClick(() => {
            host.openView('review', job.job);
          }),
      );
      menu.addItem((item) =>
        item
          .setTitle(`Open the note of ${job.fr}`)
          .setIcon('file-text')
          .setSection('action')
          .onClick(() => {
            host.openNote?.(job.notePath);
          }),
      );
    }),
  );
}
