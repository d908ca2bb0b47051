import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type * as z from 'zod/mini';
import { methodResults } from '../../shared/protocol/method-results.ts';
import type { MethodName } from '../../shared/protocol/methods.ts';
import { notifications, type NotificationName } from '../../shared/protocol/wire.ts';
import { asInPlugin } from '../support/as-in-plugin.ts';

type AnySchema = z.ZodMiniType;

interface Protocol {
  readonly methodResults: typeof methodResults;
  readonly notifications: typeof notifications;
}

/** The protocol's schemas as they are in the plugin. */
let bundled: Protocol;

beforeAll(async () => {
  bundled = (await asInPlugin([
    "export { methodResults } from './shared/protocol/method-results.ts';",
    "export { notifications } from './shared/protocol/wire.ts';",
  ])) as Protocol;
  expect(bundled.notifications.event).not.toHaveProperty('_zod');
});

interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, AnySchema>>;
  readonly catchall?: AnySchema;
  readonly innerType?: AnySchema;
  readonly element?: AnySchema;
  readonly items?: readonly AnySchema[];
  readonly options?: readonly AnySchema[];
  readonly valueType?: AnySchema;
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
}

const junk = fc.oneof(
  fc.constantFrom(
    null,
    undefined,
    '',
    'a'.repeat(121),
    '/x',
    -1,
    1.5,
    1e300,
    Number.NaN,
    Infinity,
    true,
    [],
    {},
    ['a'],
    { a: 1 },
  ),
  fc.string({ maxLength: 5 }),
  fc.integer(),
  fc.constant('merge@1234abcd'),
  fc.constant('a1'.repeat(32)),
);

/** Values that the schema takes, more or less, with something wrong in them now and then. */
function near(schema: AnySchema): fc.Arbitrary<unknown> {
  const definition = schema._zod.def as unknown as Definition;
  return fc.oneof({ weight: 80, arbitrary: exactly(definition) }, { weight: 1, arbitrary: junk });
}

function exactly(definition: Definition): fc.Arbitrary<unknown> {
  const { type, innerType, options = [], values = [], entries = {} } = definition;
  switch (type) {
    case 'object':
      return objectOf(definition);
    case 'optional':
    case 'default':
      return innerType ? fc.option(near(innerType), { nil: undefined }) : junk;
    case 'nullable':
      return innerType ? fc.option(near(innerType)) : junk;
    case 'array':
      return definition.element ? fc.array(near(definition.element), { maxLength: 2 }) : junk;
    case 'tuple':
      return fc.tuple(...(definition.items ?? []).map(near));
    case 'union':
      return fc.oneof(...options.map(near));
    case 'record':
      return definition.valueType
        ? fc.dictionary(fc.string({ maxLength: 4 }), near(definition.valueType), { maxKeys: 2 })
        : junk;
    case 'enum':
      return fc.constantFrom(...Object.values(entries));
    case 'literal':
      return fc.constantFrom(...values);
    case 'string':
      return fc.oneof(
        fc.string({ maxLength: 8 }),
        fc.constantFrom('merge@1234abcd', 'a1'.repeat(32), '/x', 'a'.repeat(121)),
      );
    case 'number':
      return fc.oneof(fc.integer({ min: 0, max: 900 }), fc.constantFrom(-1, 0, 1, 1.5, 2 ** 53, Number.NaN, Infinity));
    case 'boolean':
      return fc.boolean();
    default:
      return fc.oneof(junk, fc.constant({ event: 'x' }));
  }
}

function objectOf({ shape = {} }: Definition): fc.Arbitrary<unknown> {
  const known = fc.record(Object.fromEntries(Object.entries(shape).map(([name, inner]) => [name, near(inner)])));
  const without = fc.option(fc.constantFrom('', ...Object.keys(shape)), { freq: 8 });
  return fc.tuple(known, without).map(([value, name]) => {
    const entries = Object.entries(value).filter(([key, each]) => key !== name && each !== undefined);
    return Object.fromEntries(name === '' ? [...entries, ['more', 1]] : entries);
  });
}

const schemas: readonly (readonly [string, (protocol: Protocol) => AnySchema])[] = [
  ...Object.keys(methodResults).flatMap((name) => {
    const method = name as MethodName;
    return [[`the result of ${name}`, (protocol: Protocol) => protocol.methodResults[method]] as const];
  }),
  ...Object.keys(notifications).map(
    (name) => [`what ${name} tells`, (protocol: Protocol) => protocol.notifications[name as NotificationName]] as const,
  ),
];

test.each(schemas)('the plugin takes and refuses the same as the runner: %s', (_name, schemaOf) => {
  const full = schemaOf({ methodResults, notifications });
  const ours = schemaOf(bundled);
  fc.assert(
    fc.property(near(full), (value) => {
      const expected = full.safeParse(value);
      const read = ours.safeParse(value);
      expect(read.success).toBe(expected.success);
      expect(read.data).toStrictEqual(expected.data);
    }),
    { numRuns: 150 },
  );
});

test('values that it is to be told apart by are both taken and refused', () => {
  const taken = schemas.map(([, schemaOf]) => {
    const schema = schemaOf({ methodResults, notifications });
    return fc.sample(near(schema), { numRuns: 150, seed: 1 }).filter((value) => schema.safeParse(value).success).length;
  });
  const sum = taken.reduce((total, each) => total + each, 0);
  expect(sum).toBeGreaterThan(schemas.length * 20);
  expect(sum).toBeLessThan(schemas.length * 145);
});
