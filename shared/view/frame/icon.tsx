import { useLayoutEffect, useRef } from 'preact/hooks';
import { useHost } from './host-context.ts';

/** Decoration: what it means is said in text beside it or in the label of its button. */
export function Icon({ name, kind = '' }: { readonly name: string; readonly kind?: string }) {
  const host = useHost();
  const place = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (place.current === null) return;
    place.current.replaceChildren();
    host.setIcon(place.current, name);
  }, [host, name]);
  return <span ref={place} class={`opus-icon ${kind}`} aria-hidden="true" />;
}
