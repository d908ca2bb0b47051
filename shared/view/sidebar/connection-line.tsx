import { connectionLine } from '../../view-model/connection-line.ts';
import { useHost, useNow, useRunnerState } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import { PlainButton } from '../frame/plain-button.tsx';
import { WithCode } from '../frame/with-code.tsx';

const icons = { good: 'plug-zap', busy: 'loader-circle', bad: 'unplug' };

/** How it stands with the runner; one that is gone is said to be gone, with what to do. */
export function ConnectionLine() {
  const host = useHost();
  const state = useRunnerState();
  const now = useNow(1_000);
  const { tone, sentence, todo, action, allowed } = connectionLine(state, now);
  return (
    <div class={`opus-connection opus-tone-${tone}`}>
      <p class="opus-connection-title" title={allowed ?? undefined}>
        <Icon name={icons[tone]} kind={tone === 'busy' ? 'opus-spin' : ''} />
        <span>{sentence}</span>
      </p>
      {/* What ticks is not said each second; that the connection came or went is. */}
      <span class="opus-hidden" role="status">
        {tone === 'bad' ? 'The runner cannot be reached.' : tone === 'good' ? 'Connected.' : ''}
      </span>
      {todo !== null && (
        <p class="opus-quiet">
          <WithCode text={todo} />
        </p>
      )}
      {action === 'try-again' && (
        <PlainButton
          label="Reconnect"
          icon="refresh-cw"
          bare={false}
          onPress={() => {
            host.client.wake();
          }}
        />
      )}
      {action === 'pair' && (
        <PlainButton
          label="Pair a runner"
          icon="plug"
          bare={false}
          onPress={() => {
            host.openPairing();
          }}
        />
      )}
    </div>
  );
}
