import { useEffect, useState } from 'preact/hooks';
import { DialogPlace } from './dialogs.tsx';
import type { Page } from './page.ts';
import { saveSession, type Session } from './session.ts';
import { Shell } from './shell.tsx';
import { SignIn } from './sign-in.tsx';
import { useStore } from './store.ts';
import { ToastPlace } from './toasts.tsx';

export function App({ page }: { readonly page: Page }) {
  const session = useStore(page.session);
  const route = useStore(page.route);
  const [reason, setReason] = useState('');
  useEffect(() => {
    if (session === null) document.title = 'Sign in · Opus Orchestrator';
  }, [session]);

  const leave = (why: string): void => {
    setReason(why);
    saveSession(null);
    page.session.set(null);
  };
  const enter = (next: Session): void => {
    if (!saveSession(next)) {
      page.toasts.tell('This browser keeps nothing, so you are signed in only until this page is closed.');
    }
    setReason('');
    page.session.set(next);
    if (route.page === 'pair') page.route.set({ page: 'overview' });
  };

  return (
    <>
      {session === null || route.page === 'pair' ? (
        <SignIn
          address={page.address}
          code={route.page === 'pair' ? route.code : ''}
          reason={reason}
          done={enter}
          cancel={
            session === null
              ? null
              : () => {
                  page.route.set({ page: 'overview' });
                }
          }
        />
      ) : (
        <Shell key={session.token} page={page} session={session} route={route} leave={leave} />
      )}
      <DialogPlace dialogs={page.dialogs} />
      <ToastPlace toasts={page.toasts} />
    </>
  );
}
