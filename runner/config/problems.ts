import { OpusError } from '#shared/domain/errors.ts';
import * as z from 'zod/mini';
import type { ConfigProblem } from './config-problem.ts';
import { keysOf, nearestKey, schemaAt } from './nearest-key.ts';
import { looksLikeSecret } from './secrets.ts';
import type { YamlSource } from './yaml-source.ts';

type Issue = z.core.$ZodIssue;

/** Every problem of the value, each with its line. */
export function problemsOf(error: z.core.$ZodError, schema: z.ZodMiniType, source: YamlSource): ConfigProblem[] {
  return error.issues
    .flatMap((issue) => problemsOfIssue(issue, schema, source))
    .sort((left, right) => left.line - right.line);
}

function problemsOfIssue(issue: Issue, schema: z.ZodMiniType, source: YamlSource): ConfigProblem[] {
  const { path } = issue;
  const name = path.map(String).join('.');
  const line = source.lineOf(path);
  if (issue.code === 'unrecognized_keys') {
    const part = schemaAt(schema, path);
    const known = part ? keysOf(part) : [];
    return issue.keys.map((key) => unknownKey(key, name, known, source.lineOfKey(path, key)));
  }
  const value = valueAt(source.value, path);
  const hint = issue.code === 'invalid_key' ? 'Give it another name.' : exampleFor(schema, path);
  if (value === undefined) return [{ line, message: `\`${name}\` is missing.`, hint }];
  return [
    { line, message: `${name === '' ? 'The file' : `\`${name}\``} ${complaint(issue)}${shown(issue, value)}.`, hint },
  ];
}

function unknownKey(key: string, parent: string, known: readonly string[], line: number): ConfigProblem {
  const nearest = nearestKey(key, known);
  return {
    line,
    message: `\`${parent === '' ? key : `${parent}.${key}`}\` is not a key that opus knows.`,
    hint: nearest ? `Write \`${nearest}\`.` : `The keys here are: ${known.join(', ')}.`,
  };
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of keys',
  record: 'a group of keys',
};

function complaint(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${oneOf(issue.values.map(String))}`;
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${String(issue.minimum)}`;
    case 'too_big':
      return `must be at most ${String(issue.maximum)}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'is not a name that can be used';
    default:
      return issue.message;
  }
}

function oneOf(values: readonly string[]): string {
  return values.length <= 1 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1) ?? ''}`;
}

/** What was written, unless it is long or may be a secret. */
function shown(issue: Issue, value: unknown): string {
  if (value === null) return ', and nothing is written there';
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return '';
  const written = String(value);
  const isPrivate = looksLikeSecret(written) || issue.message.includes('secret');
  return isPrivate || written.length > 40 ? '' : `, not \`${written}\``;
}

function exampleFor(schema: z.ZodMiniType, path: readonly PropertyKey[]): string {
  const part = schemaAt(schema, path);
  const examples: unknown = part ? z.globalRegistry.get(part)?.['examples'] : undefined;
  const key = path.findLast((step) => typeof step === 'string') ?? '';
  const example: unknown = Array.isArray(examples) ? examples[0] : undefined;
  if (typeof example === 'string' || typeof example === 'number') return `Write for example \`${key}: ${example}\`.`;
  const known = part ? keysOf(part) : [];
  return known.length > 0 ? `The keys here are: ${known.join(', ')}.` : `Correct \`${key}\` or leave it out.`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (current, key) =>
      typeof current === 'object' && current !== null ? (Reflect.get(current, key) as unknown) : undefined,
    value,
  );
}

/** All problems of one file as the one error that is shown: a line each. */
export function invalidConfiguration(file: string, problems: readonly ConfigProblem[]): OpusError {
  const lines = problems.map(({ line, message, hint }) => `${file}:${line}: ${message} ${hint}`);
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new OpusError('config.invalid', lines.join('\n'), {
    hint: `Correct ${count} in ${file}.`,
    details: { file, problems },
  });
}
