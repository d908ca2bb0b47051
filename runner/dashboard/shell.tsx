import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { mayCall } from '../../shared/protocol/least-role.ts';
import { Frame } from '../../shared/view/frame/frame.tsx';
import { useClientState } from '../../shared/view/frame/host-context.ts';
import { Icon } from '../../shared/view/frame/icon.tsx';
import type { ViewHost } from '../../shared/view/host.ts';
import { ConnectionLine } from '../../shared/view/sidebar/connection-line.tsx';
import { headCount } from '../../shared/view-model/sidebar-model.ts';
import type { RunnerState } from '../../shared/view-model/runner-state.ts';
import type { Page } from './page.ts';
import { Content, loadViews, titleOf } from './content.tsx';
import { createPageHost } from './page-host.ts';
import { hashOf, type Route } from './routes.ts';
import type { Session } from './session.ts';
import { ThisBrowser } from './this-browser.tsx';

export interface ShellOptions {
  readonly page: Page;
  readonly session: Session;
  readonly route: Route;
  /** Ends the session in this browser and says why. */
  readonly leave: (why: string) => void;
}

/** What stands around each view, for one session. */
export function Shell({ page, session, route, leave }: ShellOptions) {
  const [client] = useState(() => page.connect(session));
  const [host] = useState(() =>
    createPageHost({
      client,
      dialogs: page.dialogs,
      toasts: page.toasts,
      openPairing: () => {
        leave('');
      },
    }),
  );
  useEffect(() => wakeWith(client), [client]);
  useEffect(() => {
    // Once they are here the page is whole, whatever becomes of the runner; who opens one is told of a failure.
    loadViews().catch(() => undefined);
  }, []);
  const state = useClientState(host);
  const { connection } = state;
  useEffect(() => {
    if (connection.kind === 'refused' && connection.reason === 'unauthorized') {
      leave(`This browser is signed out. ${connection.sentence}`);
    }
  }, [connection]);

  const title = titleOf(route);
  const asked = headCount(state).asking;
  useEffect(() => {
    document.title = `${asked > 0 ? `(${asked}) ` : ''}${title} · Opus Orchestrator`;
  }, [asked, title]);

  return (
    <div class="opus-page">
      <a
        class="opus-skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('content')?.focus();
        }}
      >
        Skip to content
      </a>
      <Frame host={host} name="top">
        <header class="opus-header">
          <p class="opus-brand">{state.hello?.runnerName ?? 'Opus Orchestrator'}</p>
          <ThisBrowser page={page} session={session} leave={leave} />
        </header>
        <Navigation state={state} route={route} asked={asked} />
      </Frame>
      <Main title={title}>
        <Notices host={host} state={state} route={route} version={page.version} />
        <Content host={host} route={route} />
      </Main>
    </div>
  );
}

function wakeWith(client: ViewHost['client'] & { close(): void }): () => void {
  const wake = (): void => {
    if (document.visibilityState === 'visible') client.wake();
  };
  document.addEventListener('visibilitychange', wake);
  window.addEventListener('online', wake);
  window.addEventListener('pageshow', wake);
  return () => {
    document.removeEventListener('visibilitychange', wake);
    window.removeEventListener('online', wake);
    window.removeEventListener('pageshow', wake);
    client.close();
  };
}

interface NavigationOptions {
  readonly state: RunnerState;
  readonly route: Route;
  readonly asked: number;
}

function Navigation({ state, route, asked }: NavigationOptions) {
  const { hello, untrusted } = state;
  const items = [
    { page: 'overview', view: 'sidebar', icon: 'activity', label: 'Overview', count: asked, of: 'decisions asked for' },
    { page: 'board', view: 'board', icon: 'square-kanban', label: 'Board', count: 0, of: '' },
    { page: 'trust', view: 'trust', icon: 'shield-check', label: 'Trust', count: untrusted, of: 'notes to confirm' },
    { page: 'spending', view: 'spending', icon: 'coins', label: 'Spending', count: 0, of: '' },
    { page: 'devices', view: 'devices', icon: 'monitor-smartphone', label: 'Devices', count: 0, of: '' },
  ] as const;
  const shown = items.filter(
    ({ page }) => page !== 'devices' || (hello !== null && mayCall(hello.role, 'device.list')),
  );
  return (
    <nav class="opus-nav" aria-label="Pages">
      <ul>
        {shown.map(({ page, view, icon, label, count, of }) => (
          <li key={page}>
            <a href={hashOf(view)} aria-current={route.page === page ? 'page' : undefined}>
              <Icon name={icon} />
              <span>{label}</span>
              {count > 0 && (
                <span class="opus-count">
                  {count}
                  <span class="opus-hidden"> {of}</span>
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** After a change of page the heading has the focus, as it has where a page is loaded anew. */
function Main({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const before = useRef(title);
  useEffect(() => {
    if (before.current === title) return;
    before.current = title;
    heading.current?.focus();
    window.scrollTo(0, 0);
  }, [title]);
  return (
    <main id="content" tabIndex={-1}>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </main>
  );
}

interface NoticesOptions {
  readonly host: ViewHost;
  readonly state: RunnerState;
  readonly route: Route;
  readonly version: string;
}

/** What is wrong with the connection, on pages that do not say it themselves, and a page that an update has overtaken. */
function Notices({ host, state, route, version }: NoticesOptions) {
  const { connection, hello } = state;
  const isOther = hello !== null && version !== '' && hello.runnerVersion !== version;
  const needsReload = isOther || (connection.kind === 'refused' && connection.reason === 'version');
  return (
    <Frame host={host} name="notices">
      {needsReload && (
        <div class="opus-note-box opus-tone-warning" role="status">
          <p>
            {isOther
              ? `The runner is version ${hello.runnerVersion} now, and this page is of version ${version}.`
              : 'The runner and this page are of versions that do not understand each other.'}
          </p>
          <button
            type="button"
            class="opus-button opus-button-main"
            onClick={() => {
              location.reload();
            }}
          >
            Reload this page
          </button>
        </div>
      )}
      {route.page !== 'overview' && connection.kind !== 'connected' && <ConnectionLine />}
    </Frame>
  );
}
