import { describedGitHub, type Fields } from './description.ts';

/**
 * GitHub's objects have dozens of required fields, most of them links that nobody follows. What is kept is said by
 * `value`; every other required field gets the emptiest value that the description allows.
 */
export function filled(schema: Fields, value: unknown): unknown {
  const found = describedGitHub().dereference(schema);
  if (value === null) return null;
  if (value === undefined) return emptiest(found);
  const all = found['allOf'] as Fields[] | undefined;
  if (all !== undefined) return all.reduce<unknown>((result, part) => filled(part, result), value);
  const choices = (found['oneOf'] ?? found['anyOf']) as Fields[] | undefined;
  if (choices !== undefined && found['properties'] === undefined) return filled(closest(choices, value), value);
  if (Array.isArray(value)) {
    const items = found['items'] as Fields | undefined;
    return items === undefined ? value : value.map((item) => filled(items, item));
  }
  return typeof value === 'object' ? filledObject(found, value as Fields) : value;
}

function filledObject(schema: Fields, value: Fields): Fields {
  const result: Fields = { ...value };
  const required = new Set((schema['required'] ?? []) as string[]);
  for (const [name, property] of Object.entries((schema['properties'] ?? {}) as Record<string, Fields>)) {
    if (value[name] !== undefined || required.has(name)) result[name] = filled(property, value[name]);
    else Reflect.deleteProperty(result, name);
  }
  return result;
}

function emptiest(schema: Fields): unknown {
  if (schema['nullable'] === true) return null;
  const choices = (schema['enum'] ?? []) as unknown[];
  if (choices.length > 0) return choices[0];
  const all = schema['allOf'] as Fields[] | undefined;
  if (all !== undefined) return filled(schema, {});
  const alternatives = (schema['oneOf'] ?? schema['anyOf']) as Fields[] | undefined;
  if (alternatives?.[0] !== undefined) return filled(alternatives[0], undefined);
  switch (schema['type']) {
    case 'string':
      return emptyString(schema['format']);
    case 'integer':
    case 'number':
      return typeof schema['minimum'] === 'number' ? schema['minimum'] : 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    default:
      return filledObject(schema, {});
  }
}

function emptyString(format: unknown): string {
  if (format === 'uri') return 'https://github.example/';
  if (format === 'date-time') return '2020-01-01T00:00:00Z';
  if (format === 'email') return 'nobody@github.example';
  return '';
}

function closest(choices: readonly Fields[], value: unknown): Fields {
  const ranked = choices.map((choice) => ({ choice, rank: likeness(describedGitHub().dereference(choice), value) }));
  return ranked.reduce((best, next) => (next.rank > best.rank ? next : best)).choice;
}

function likeness(schema: Fields, value: unknown): number {
  if (typeof value !== 'object' || value === null) return schema['type'] === typeof value ? 1 : 0;
  if (Array.isArray(value)) return schema['type'] === 'array' ? 1 : 0;
  const properties = (schema['properties'] ?? {}) as Fields;
  return Object.keys(value).filter((name) => name in properties).length;
}
