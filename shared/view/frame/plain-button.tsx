import { Icon } from './icon.tsx';

export interface PlainButtonOptions {
  readonly label: string;
  readonly icon: string;
  /** Shows the icon alone; the label is what a screen reader says. */
  readonly bare?: boolean;
  readonly about?: string;
  readonly expanded?: boolean;
  readonly controls?: string;
  readonly pressed?: boolean;
  readonly shortcut?: string;
  readonly onPress: () => void;
}

/** For what is done here and at once, without asking the runner. */
export function PlainButton(options: PlainButtonOptions) {
  const { label, icon, bare = true, about, expanded, controls, pressed, shortcut, onPress } = options;
  const name = about === undefined ? label : `${label}: ${about}`;
  return (
    <button
      type="button"
      class={`opus-button opus-button-plain${bare ? ' opus-button-bare' : ''}`}
      aria-label={bare || about !== undefined ? name : undefined}
      aria-expanded={expanded}
      aria-controls={controls}
      aria-pressed={pressed}
      aria-keyshortcuts={shortcut}
      title={bare ? label : undefined}
      onClick={onPress}
    >
      <Icon name={icon} />
      {!bare && <span class="opus-button-label">{label}</span>}
    </button>
  );
}
