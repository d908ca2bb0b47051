import { unreachableReason, useRunnerState } from './host-context.ts';
import { Icon } from './icon.tsx';
import { PlainButton } from './plain-button.tsx';
import type { Loaded } from './use-loaded.ts';

/** Says while something is loaded, or why it was not; nothing once it is there. */
export function LoadState({ loaded, what }: { readonly loaded: Loaded<unknown>; readonly what: string }) {
  const state = useRunnerState();
  const reason = unreachableReason(state);
  if (loaded.error !== null) {
    return (
      <div class="opus-note-box opus-tone-bad" role="alert">
        <p>
          <Icon name="octagon-alert" /> {loaded.error.message}{' '}
          {loaded.error.hint !== null && <span class="opus-quiet">{loaded.error.hint}</span>}
        </p>
        <PlainButton label="Try again" icon="refresh-cw" bare={false} onPress={() => void loaded.load()} />
      </div>
    );
  }
  if (loaded.value !== null) {
    return reason === null ? null : <p class="opus-quiet">{`${reason} What is shown may be old.`}</p>;
  }
  return (
    <p class="opus-loading opus-quiet" role="status">
      {reason === null ? (
        <>
          <Icon name="loader-circle" kind="opus-spin" /> {`Loading ${what}…`}
        </>
      ) : (
        `${reason} ${what.charAt(0).toUpperCase()}${what.slice(1)} will be loaded when it is back.`
      )}
    </p>
  );
}
