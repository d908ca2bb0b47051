import { createContext, type ComponentChildren } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { toOpusError } from '../../domain/errors.ts';
import type { MethodName } from '../../protocol/methods.ts';
import type { ViewHost } from '../host.ts';
import { permits, unreachableReason, useHost, useRunnerState } from './host-context.ts';
import { Icon } from './icon.tsx';

export function tellError(host: ViewHost, thrown: unknown): void {
  const { message, hint } = toOpusError(thrown);
  host.tell(hint === null ? message : `${message} ${hint}`);
}

interface Busy {
  /** The label of what is at work. */
  readonly label: string | null;
  begin(label: string, action: () => Promise<unknown>): void;
}

const BusyContext = createContext<Busy | null>(null);

function useBusy(): Busy {
  const host = useHost();
  const [label, setLabel] = useState<string | null>(null);
  const working = useRef(false);
  const mounted = useRef(true);
  useEffect(
    () => () => {
      mounted.current = false;
    },
    [],
  );
  return {
    label,
    begin(name, action) {
      if (working.current) return;
      working.current = true;
      setLabel(name);
      action()
        .catch((thrown: unknown) => {
          tellError(host, thrown);
        })
        .finally(() => {
          working.current = false;
          if (mounted.current) setLabel(null);
        });
    },
  };
}

/** Buttons that exclude each other: while one of them is at work, none can be pressed. */
export function BusyGroup({ children }: { readonly children: ComponentChildren }) {
  return <BusyContext.Provider value={useBusy()}>{children}</BusyContext.Provider>;
}

export interface ActionButtonOptions {
  readonly label: string;
  readonly icon?: string;
  /** Shows the icon alone; the label is what a screen reader says. */
  readonly bare?: boolean;
  readonly tone?: 'plain' | 'main' | 'danger';
  /** What is asked of the runner: without the role for it there is no button, without a connection it cannot be pressed. */
  readonly needs?: MethodName;
  /** Why it cannot be pressed now. */
  readonly blocked?: string | null;
  /** Tells a screen reader what the label is about. */
  readonly about?: string;
  readonly tabIndex?: number;
  readonly act: () => Promise<unknown>;
}

/** It stays in the tab order when it cannot be pressed, so that focus is not lost while it works. */
export function ActionButton(options: ActionButtonOptions) {
  const { label, icon, bare = false, tone = 'plain', needs, blocked = null, about, tabIndex, act } = options;
  const state = useRunnerState();
  const group = useContext(BusyContext);
  const own = useBusy();
  const busy = group ?? own;
  if (needs !== undefined && !permits(state, needs)) return null;
  const works = busy.label === label;
  const reason = blocked ?? (needs === undefined ? null : unreachableReason(state));
  const off = reason !== null || busy.label !== null;
  const name = about === undefined ? label : `${label}: ${about}`;
  return (
    <button
      type="button"
      class={`opus-button opus-button-${tone}${bare ? ' opus-button-bare' : ''}`}
      aria-label={bare || about !== undefined ? name : undefined}
      aria-disabled={off ? 'true' : undefined}
      aria-busy={works ? 'true' : undefined}
      tabIndex={tabIndex}
      title={reason ?? (bare ? label : undefined)}
      onClick={() => {
        if (!off) busy.begin(label, act);
      }}
    >
      {works ? <Icon name="loader-circle" kind="opus-spin" /> : icon !== undefined && <Icon name={icon} />}
      {!bare && <span class="opus-button-label">{label}</span>}
    </button>
  );
}
