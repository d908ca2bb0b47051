import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

export interface SectionOptions {
  readonly title: string;
  readonly count?: number;
  readonly open?: boolean;
  readonly kind?: string;
  readonly children: ComponentChildren;
}

/** A part of a view that can be folded away. */
export function Section({ title, count, open = true, kind = '', children }: SectionOptions) {
  const id = useId();
  const [shown, setShown] = useState(open);
  return (
    <section class={`opus-section ${kind}`} aria-labelledby={`${id}-title`}>
      <h2 class="opus-section-title" id={`${id}-title`}>
        <button
          type="button"
          class="opus-fold"
          aria-expanded={shown}
          onClick={() => {
            setShown(!shown);
          }}
        >
          <Icon name={shown ? 'chevron-down' : 'chevron-right'} />
          <span>{title}</span>
          {count !== undefined && <span class="opus-count">{count}</span>}
        </button>
      </h2>
      {shown && children}
    </section>
  );
}
