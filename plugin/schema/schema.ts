/**
 * Takes the place of `zod/mini` in the plugin's bundle, where that would be a sixth of all there may be: the same schemas of
 * the protocol, which take and refuse the same. What is refused is not described; the client says so as a whole.
 */
type Read = (value: unknown) => { readonly value: unknown } | null;
type Check = (value: never) => boolean;
type Shape = Readonly<Record<string, Schema>>;

interface Schema {
  readonly read: Read;
  readonly shape?: Shape;
  readonly isStrict?: boolean;
  check(...checks: readonly Check[]): Schema;
  safeParse(value: unknown): { success: true; data: unknown } | { success: false; error: { issues: readonly [] } };
  parse(value: unknown): unknown;
}

function schema(read: Read, more: Pick<Schema, 'shape' | 'isStrict'> = {}): Schema {
  return {
    ...more,
    read,
    check: (...checks) =>
      schema((value) => {
        const result = read(value);
        return result && checks.every((holds) => holds(result.value as never)) ? result : null;
      }, more),
    safeParse(value) {
      const result = read(value);
      return result ? { success: true, data: result.value } : { success: false, error: { issues: [] } };
    },
    parse(value) {
      const result = read(value);
      if (result) return result.value;
      throw new TypeError('A value is not what it should be.');
    },
  };
}

const where = (holds: (value: unknown) => boolean): Schema => schema((value) => (holds(value) ? { value } : null));

export const string = (): Schema => where((value) => typeof value === 'string');
export const number = (): Schema => where(Number.isFinite);
export const int = (): Schema => where(Number.isSafeInteger);
export const boolean = (): Schema => where((value) => typeof value === 'boolean');
export const unknown = (): Schema => where(() => true);
export const custom = (holds: (value: unknown) => boolean = () => true): Schema => where(holds);
export const literal = (wanted: unknown): Schema => where((value) => [wanted].flat().includes(value));
const oneOf = (values: readonly string[]): Schema => where((value) => (values as readonly unknown[]).includes(value));
export { oneOf as enum };

export const nullable = (inner: Schema): Schema => schema((value) => (value === null ? { value } : inner.read(value)));
export const optional = (inner: Schema): Schema =>
  schema((value) => (value === undefined ? { value } : inner.read(value)));
export const _default = (inner: Schema, usual: unknown): Schema =>
  schema((value) => (value === undefined ? { value: usual } : inner.read(value)));

export const union = (options: readonly Schema[]): Schema =>
  schema((value) => {
    for (const option of options) {
      const result = option.read(value);
      if (result) return result;
    }
    return null;
  });
/** Its options differ by that key alone, so that at most one of them can be meant. */
export const discriminatedUnion = (_key: string, options: readonly Schema[]): Schema => union(options);

export const array = (inner: Schema): Schema =>
  schema((value) => (Array.isArray(value) ? readAll(value, () => inner) : null));
export const tuple = (items: readonly Schema[]): Schema =>
  schema((value) =>
    Array.isArray(value) && value.length === items.length ? readAll(value, (at) => items[at] ?? unknown()) : null,
  );

function readAll(values: readonly unknown[], schemaAt: (at: number) => Schema): { readonly value: unknown[] } | null {
  const read: unknown[] = [];
  for (const [at, value] of values.entries()) {
    const result = schemaAt(at).read(value);
    if (!result) return null;
    read.push(result.value);
  }
  return { value: read };
}

export const record = (keys: Schema, inner: Schema): Schema =>
  schema((value) => {
    if (!isPlain(value)) return null;
    const names = Object.keys(value);
    const read = readAll(Object.values(value), () => inner);
    if (!read || !names.every((name) => keys.read(name))) return null;
    // A property of that name would be the prototype of whoever copies it.
    return { value: Object.fromEntries(names.map((name, at) => [name, read.value[at]])) };
  });

export const object = (shape: Shape): Schema => objectOf(shape, false);
export const strictObject = (shape: Shape): Schema => objectOf(shape, true);
export const extend = (base: Schema, shape: Shape): Schema =>
  objectOf({ ...base.shape, ...shape }, base.isStrict ?? false);
export const omit = (base: Schema, names: Readonly<Record<string, true>>): Schema =>
  objectOf(
    Object.fromEntries(Object.entries(base.shape ?? {}).filter(([name]) => !Object.hasOwn(names, name))),
    base.isStrict ?? false,
  );

function objectOf(shape: Shape, isStrict: boolean): Schema {
  const read: Read = (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    if (isStrict && Object.keys(value).some((name) => !Object.hasOwn(shape, name))) return null;
    const result: Record<string, unknown> = {};
    for (const [name, inner] of Object.entries(shape)) {
      const found = inner.read((value as Record<string, unknown>)[name]);
      if (!found) return null;
      if (found.value !== undefined || name in value) result[name] = found.value;
    }
    return { value: result };
  };
  return schema(read, { shape, isStrict });
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const minLength =
  (least: number) =>
  (value: { readonly length: number }): boolean =>
    value.length >= least;
export const maxLength =
  (most: number) =>
  (value: { readonly length: number }): boolean =>
    value.length <= most;
export const gte =
  (least: number) =>
  (value: number): boolean =>
    value >= least;
export const lte =
  (most: number) =>
  (value: number): boolean =>
    value <= most;
export const regex =
  (pattern: RegExp) =>
  (value: string): boolean =>
    pattern.test(value);
export const startsWith =
  (begin: string) =>
  (value: string): boolean =>
    value.startsWith(begin);
