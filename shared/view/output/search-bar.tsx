import type { RefObject } from 'preact';
import { PlainButton } from '../frame/plain-button.tsx';

export interface SearchBarOptions {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly query: string;
  readonly count: number;
  /** Counted from 1; 0 where there is no hit. */
  readonly at: number;
  readonly onQuery: (text: string) => void;
  readonly onStep: (by: number) => void;
}

export function SearchBar({ field, query, count, at, onQuery, onStep }: SearchBarOptions) {
  return (
    <div class="opus-search" role="search">
      <input
        ref={field}
        type="search"
        aria-label="Search the output"
        placeholder="Search"
        value={query}
        onInput={(event) => {
          onQuery(event.currentTarget.value);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            event.preventDefault();
            onStep(event.shiftKey ? -1 : 1);
          }
          if (event.key === 'Escape') onQuery('');
        }}
      />
      <span class="opus-quiet opus-hits" aria-live="polite">
        {query.trim() === '' ? '' : count === 0 ? 'No hits' : `${at} of ${count}`}
      </span>
      <PlainButton
        label="Previous hit"
        icon="chevron-up"
        onPress={() => {
          onStep(-1);
        }}
      />
      <PlainButton
        label="Next hit"
        icon="chevron-down"
        onPress={() => {
          onStep(1);
        }}
      />
    </div>
  );
}
