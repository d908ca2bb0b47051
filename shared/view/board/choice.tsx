export interface ChoiceOptions<Value extends string> {
  readonly label: string;
  readonly value: Value | '';
  readonly values: readonly Value[];
  readonly name: (value: Value) => string;
  /** The entry for none; without it there is always one chosen. */
  readonly none?: string;
  readonly blocked?: string | null;
  readonly tabIndex?: number;
  readonly onChoose: (value: Value | null) => void;
}

/** A small select whose label only a screen reader says. */
export function Choice<Value extends string>(options: ChoiceOptions<Value>) {
  const { label, value, values, name, none, blocked = null, tabIndex, onChoose } = options;
  return (
    <select
      class="opus-choice dropdown"
      aria-label={label}
      title={blocked ?? label}
      value={value}
      disabled={blocked !== null}
      tabIndex={tabIndex}
      onChange={(event) => {
        const chosen = event.currentTarget.value;
        onChoose(values.find((each) => each === chosen) ?? null);
      }}
    >
      {(none !== undefined || value === '') && <option value="">{none ?? 'None'}</option>}
      {values.map((each) => (
        <option key={each} value={each}>
          {name(each)}
        </option>
      ))}
    </select>
  );
}
