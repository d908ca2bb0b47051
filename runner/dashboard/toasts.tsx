import { useEffect, useState } from 'preact/hooks';
import { createStore, useStore, type Store } from './store.ts';

interface Toast {
  readonly id: number;
  readonly sentence: string;
}

export interface Toasts {
  readonly shown: Store<readonly Toast[]>;
  tell(sentence: string): void;
  dismiss(id: number): void;
}

const most = 4;
const shownMs = 15_000;

export function createToasts(): Toasts {
  const shown = createStore<readonly Toast[]>([]);
  let last = 0;
  return {
    shown,
    tell(sentence) {
      const others = shown.get().filter((toast) => toast.sentence !== sentence);
      shown.set([...others, { id: ++last, sentence }].slice(-most));
    },
    dismiss(id) {
      shown.set(shown.get().filter((toast) => toast.id !== id));
    },
  };
}

/** The region is always there: what appears together with its region is not read out. */
export function ToastPlace({ toasts }: { readonly toasts: Toasts }) {
  const shown = useStore(toasts.shown);
  return (
    <div class="opus-view opus-toasts" role="status" aria-live="polite" aria-atomic="false">
      {shown.map((toast) => (
        <ToastBox
          key={toast.id}
          sentence={toast.sentence}
          dismiss={() => {
            toasts.dismiss(toast.id);
          }}
        />
      ))}
    </div>
  );
}

/** It stays for as long as somebody points at it. */
function ToastBox({ sentence, dismiss }: { readonly sentence: string; readonly dismiss: () => void }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = window.setTimeout(dismiss, shownMs);
    return () => {
      window.clearTimeout(timer);
    };
  }, [held]);
  return (
    <div
      class="opus-toast"
      onPointerEnter={() => {
        setHeld(true);
      }}
      onPointerLeave={() => {
        setHeld(false);
      }}
    >
      <span>{sentence}</span>
      <button type="button" class="opus-button opus-button-plain" aria-label="Dismiss this message" onClick={dismiss}>
        Dismiss
      </button>
    </div>
  );
}
