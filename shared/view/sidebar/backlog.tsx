import { counted } from '../../view-model/formats.ts';
import { ActionButton } from '../frame/action-button.tsx';
import { useHost } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import type { ViewHost } from '../host.ts';

/** What was planned before the runner knew the vault, with a button that starts all of it. */
export function Backlog({ sentence, mayStart }: { readonly sentence: string; readonly mayStart: boolean }) {
  const host = useHost();
  return (
    <div class="opus-note-box">
      <p class="opus-tone-warning">
        <Icon name="list-todo" /> <span>{sentence}</span>
      </p>
      {mayStart && (
        <ActionButton label="Start them all" icon="play" needs="fr.dispatch-all" act={() => startAll(host)} />
      )}
    </div>
  );
}

async function startAll(host: ViewHost): Promise<void> {
  const { jobs, refused } = await host.client.call('fr.dispatch-all', {});
  const reasons = refused.map(({ fr, message }) => `${fr}: ${message}`);
  host.tell([`${counted(jobs.length, 'job')} started.`, ...reasons].join(' '));
}
