/** What a provider answers is looked at without trust: whatever is not as expected reads as absent. */
export function field(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>)[key] : undefined,
    value,
  );
}

export function textField(value: unknown, ...path: readonly (string | number)[]): string | null {
  const found = field(value, ...path);
  return typeof found === 'string' && found !== '' ? found : null;
}

/** A number of tokens. */
export function countField(value: unknown, ...path: readonly (string | number)[]): number | null {
  const found = field(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) && found >= 0 ? Math.round(found) : null;
}

export function listField(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = field(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** Bytes of all texts in a value. */
export function textBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, inner) => sum + textBytes(inner), 0);
}

export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
