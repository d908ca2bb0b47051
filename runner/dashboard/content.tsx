import { useEffect, useRef, useState } from 'preact/hooks';
import { Frame } from '../../shared/view/frame/frame.tsx';
import type { ViewHost } from '../../shared/view/host.ts';
import type * as mount from '../../shared/view/mount.tsx';
import { Sidebar } from '../../shared/view/sidebar/sidebar.tsx';
import { Devices } from './devices.tsx';
import type { Route } from './routes.ts';
import { Spending } from './spending.tsx';

type Views = typeof mount;

/** All but the overview come after it, so that a phone on a slow network shows what is asked of a person first. */
export const loadViews = (): Promise<Views> => import('../../shared/view/mount.tsx');

export function titleOf(route: Route): string {
  switch (route.page) {
    case 'board':
      return 'Board';
    case 'trust':
      return 'Trust';
    case 'spending':
      return 'Spending';
    case 'devices':
      return 'Devices';
    case 'output':
      return `Output of ${route.job}`;
    case 'review':
      return `Review of ${route.job}`;
    default:
      return 'Overview';
  }
}

interface ContentOptions {
  readonly host: ViewHost;
  readonly route: Route;
}

export function Content({ host, route }: ContentOptions) {
  switch (route.page) {
    case 'spending':
      return (
        <Frame host={host} name="spending-page">
          <Spending />
        </Frame>
      );
    case 'devices':
      return (
        <Frame host={host} name="devices">
          <Devices />
        </Frame>
      );
    case 'board':
      return <Mounted key="board" draw={(views, place) => views.mountBoard(place, host)} />;
    case 'trust':
      return <Mounted key="trust" draw={(views, place) => views.mountTrust(place, host)} />;
    case 'output':
      return <Mounted key={`output ${route.job}`} draw={(views, place) => views.mountOutput(place, host, route.job)} />;
    case 'review':
      return <Mounted key={`review ${route.job}`} draw={(views, place) => views.mountReview(place, host, route.job)} />;
    default:
      return (
        <Frame host={host} name="sidebar">
          <Sidebar />
        </Frame>
      );
  }
}

/** A view that draws itself, as it does inside Obsidian. */
function Mounted({ draw }: { readonly draw: (views: Views, place: HTMLElement) => () => void }) {
  const place = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let remove: (() => void) | null = null;
    let isOver = false;
    loadViews().then(
      (views) => {
        if (!isOver && place.current) remove = draw(views, place.current);
      },
      () => {
        setFailed(true);
      },
    );
    return () => {
      isOver = true;
      remove?.();
    };
  }, []);
  return failed ? (
    <div class="opus-note-box" role="alert">
      <p>This part of the page could not be loaded. See that the runner answers, then load the page again.</p>
    </div>
  ) : (
    <div ref={place} class="opus-mounted" />
  );
}
