/** One thing that `opus doctor` looked at. */
export interface Check {
  readonly name: string;
  /** A `warning` is worth knowing and stops nothing. */
  readonly state: 'ok' | 'warning' | 'missing';
  readonly detail: string;
  /** The command, or the words to write, that mend it. */
  readonly fix: string | null;
}

export function fine(name: string, detail: string): Check {
  return { name, state: 'ok', detail, fix: null };
}

export function missing(name: string, detail: string, fix: string): Check {
  return { name, state: 'missing', detail, fix };
}

export function warning(name: string, detail: string, fix: string): Check {
  return { name, state: 'warning', detail, fix };
}
