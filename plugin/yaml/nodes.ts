/** The nodes of `yaml`, as far as the shared code looks at them. Ranges are offsets in the source: start and end. */
export interface Scalar {
  readonly kind: 'scalar';
  readonly type: 'PLAIN' | 'QUOTE_DOUBLE' | 'QUOTE_SINGLE' | 'BLOCK_LITERAL' | 'BLOCK_FOLDED';
  readonly range: readonly [number, number];
  /** As written, without quotes. */
  readonly source: string;
  readonly value: unknown;
  readonly srcToken: { readonly text: string };
  toJS(): unknown;
}

export interface Collection {
  readonly kind: 'map' | 'seq';
  readonly flow: boolean;
  readonly range: readonly [number, number];
  readonly items: readonly (Pair | Value)[];
  toJS(): unknown;
}

export type Value = Scalar | Collection;

export interface Pair {
  readonly kind: 'pair';
  readonly key: Scalar;
  readonly value: Value;
  readonly srcToken: { readonly sep: readonly { readonly type: 'map-value-ind'; readonly offset: number }[] };
}

export interface YamlError {
  readonly code: string;
  readonly message: string;
  readonly linePos: readonly { readonly line: number }[];
}

export interface ParsedDocument {
  readonly errors: readonly YamlError[];
  readonly contents: Value | null;
}

export function scalar(
  type: Scalar['type'],
  text: string,
  range: readonly [number, number],
  source: string,
  value: unknown = source,
): Scalar {
  return { kind: 'scalar', type, range, source, value, srcToken: { text }, toJS: () => value };
}

export function sequence(items: readonly Value[], range: readonly [number, number], flow: boolean): Collection {
  return { kind: 'seq', flow, range, items, toJS: () => items.map((item) => item.toJS()) };
}

/** A map within the map, of which nothing but where it is and that it stays the same is of interest. */
export function opaqueMap(text: string, range: readonly [number, number]): Collection {
  return { kind: 'map', flow: true, range, items: [], toJS: () => ({ text }) };
}
