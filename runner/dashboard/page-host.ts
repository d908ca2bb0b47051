import { OpusError, toOpusError } from '../../shared/domain/errors.ts';
import type { RunnerClient } from '../../shared/protocol/client/runner-client.ts';
import type { ViewHost } from '../../shared/view/host.ts';
import { webAddress } from '../../shared/view/job/web-address.ts';
import type { Dialogs } from './dialogs.tsx';
import { drawIcon } from './icons.ts';
import { hashOf } from './routes.ts';
import type { Toasts } from './toasts.tsx';

export interface PageHostOptions {
  readonly client: RunnerClient;
  readonly dialogs: Dialogs;
  readonly toasts: Toasts;
  readonly openPairing: () => void;
}

/** What the views need, of a page without Obsidian: notes are not opened from here. */
export function createPageHost({ client, dialogs, toasts, openPairing }: PageHostOptions): ViewHost {
  const telling = async (action: () => Promise<void>): Promise<boolean> => {
    try {
      await action();
      return true;
    } catch (thrown) {
      const { message, hint } = toOpusError(thrown);
      toasts.tell(hint === null ? message : `${message} ${hint}`);
      return false;
    }
  };
  return {
    client,
    isMobile: matchMedia('(pointer: coarse), (max-width: 40rem)').matches,
    openNote: null,
    openUrl(url) {
      const address = webAddress(url);
      if (address === null) toasts.tell('This is no address of a web page, so it was not opened.');
      else window.open(address, '_blank', 'noopener,noreferrer');
    },
    openView(view, job) {
      location.hash = hashOf(view, job);
    },
    openPairing,
    confirm: (question) => dialogs.confirm(question),
    ask: (question) => dialogs.ask(question),
    tell(sentence) {
      toasts.tell(sentence);
    },
    async dispatch({ id }) {
      await telling(async () => {
        const { featureRequests } = await client.call('fr.validate', { fr: id });
        const problems = featureRequests.flatMap((note) =>
          note.problems.map(({ line, message }) => `${note.path}, line ${line}: ${message}`),
        );
        if (problems.length > 0) {
          toasts.tell(`${id} cannot be dispatched before its note is mended. ${problems.join(' ')}`);
          return;
        }
        const { job } = await client.call('fr.dispatch', { fr: id });
        toasts.tell(`${id} is dispatched as ${job}.`);
      });
    },
    setProperties: ({ id, status }, change) =>
      telling(async () => {
        await client.call('fr.set', { fr: id, ...change, ...(change.status === undefined ? {} : { expect: status }) });
      }),
    async copy(text) {
      // Browsers leave it out of pages that did not come by TLS.
      const clipboard = navigator.clipboard as Clipboard | undefined;
      const failure = new OpusError('config.usage', 'This browser lets the page copy nothing.', {
        hint: 'Select the text and copy it by hand.',
      });
      if (!clipboard) throw failure;
      await clipboard.writeText(text).catch(() => {
        throw failure;
      });
    },
    setIcon: drawIcon,
  };
}
