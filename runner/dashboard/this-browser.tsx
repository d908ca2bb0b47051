import { toOpusError } from '../../shared/domain/errors.ts';
import { useHost, useRunnerState } from '../../shared/view/frame/host-context.ts';
import { Icon } from '../../shared/view/frame/icon.tsx';
import type { Page } from './page.ts';
import type { Session } from './session.ts';
import { useStore } from './store.ts';
import { themes } from './theme.ts';

export interface ThisBrowserOptions {
  readonly page: Page;
  readonly session: Session;
  readonly leave: (why: string) => void;
}

const themeNames = { auto: 'As the system', light: 'Light', dark: 'Dark' };

/** Who is signed in here, with what concerns this browser alone. */
export function ThisBrowser({ page, session, leave }: ThisBrowserOptions) {
  const host = useHost();
  const state = useRunnerState();
  const theme = useStore(page.theme);
  const isKnown = state.hello !== null;

  const signOut = async (): Promise<void> => {
    const name = state.hello?.device ?? 'This browser';
    const agreed = await host.confirm({
      title: 'Sign out',
      text: isKnown
        ? `${name} is revoked: its token is of no use to anybody any more.`
        : `This browser forgets its token. An admin can make the token useless to everybody: opus devices revoke ${session.id}`,
      action: 'Sign out',
      destructive: true,
    });
    if (!agreed) return;
    if (!isKnown) {
      leave('');
      return;
    }
    try {
      await host.client.call('device.unpair', {});
      leave('');
    } catch (thrown) {
      leave(
        `The token is forgotten here. Whether it was revoked is not known: ${toOpusError(thrown).message} See opus devices list.`,
      );
    }
  };

  return (
    <div class="opus-this-browser">
      {state.hello && (
        <span class="opus-who">
          {state.hello.person} <span class="opus-quiet">({state.hello.role})</span>
        </span>
      )}
      <label>
        <span class="opus-hidden">Colors</span>
        <select
          value={theme}
          onChange={({ currentTarget }) => {
            page.theme.set(themes.find((name) => name === currentTarget.value) ?? 'auto');
          }}
        >
          {themes.map((name) => (
            <option key={name} value={name}>
              {themeNames[name]}
            </option>
          ))}
        </select>
      </label>
      <button type="button" class="opus-button opus-button-plain" onClick={() => void signOut()}>
        <Icon name="log-out" />
        <span class="opus-button-label">Sign out</span>
      </button>
    </div>
  );
}
