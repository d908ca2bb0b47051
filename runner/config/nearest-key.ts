import type * as z from 'zod/mini';

/** The parts of a schema's definition that lead to another schema. */
interface Definition {
  readonly shape?: Readonly<Record<string, z.ZodMiniType>>;
  readonly innerType?: z.ZodMiniType;
  readonly valueType?: z.ZodMiniType;
  readonly element?: z.ZodMiniType;
  readonly in?: z.ZodMiniType;
  readonly options?: readonly z.ZodMiniType[];
}

/** The schema of the value at `path`, without what is wrapped around it for defaults and transforms; null when there is none. */
export function schemaAt(schema: z.ZodMiniType, path: readonly PropertyKey[]): z.ZodMiniType | null {
  const unwrapped = unwrap(schema);
  const [key, ...rest] = path;
  if (key === undefined) return unwrapped;
  const definition = unwrapped.def as Definition;
  for (const option of definition.options ?? []) {
    const found = schemaAt(option, path);
    if (found) return found;
  }
  const inner = definition.shape?.[String(key)] ?? definition.valueType ?? definition.element;
  return inner ? schemaAt(inner, rest) : null;
}

export function keysOf(schema: z.ZodMiniType): string[] {
  const definition = unwrap(schema).def as Definition;
  return Object.keys(definition.shape ?? {});
}

function unwrap(schema: z.ZodMiniType): z.ZodMiniType {
  const { innerType, in: input } = schema.def as Definition;
  const inner = innerType ?? input;
  return inner ? unwrap(inner) : schema;
}

/** The key that was probably meant; null when none is close. */
export function nearestKey(written: string, known: readonly string[]): string | null {
  const plain = (key: string): string => key.toLowerCase().replace(/[-_]/g, '');
  const [best] = known
    .map((key) => ({ key, distance: editDistance(plain(written), plain(key)) }))
    .sort((left, right) => left.distance - right.distance);
  return best && best.distance <= Math.max(1, Math.floor(best.key.length / 3)) ? best.key : null;
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [row, letter] of left.split('').entries()) {
    const current = [row + 1];
    for (const [column, other] of right.split('').entries()) {
      current.push(
        Math.min(
          (current[column] ?? 0) + 1,
          (previous[column + 1] ?? 0) + 1,
          (previous[column] ?? 0) + (letter === other ? 0 : 1),
        ),
      );
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
