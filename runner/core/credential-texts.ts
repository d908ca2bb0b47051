/** Shorter ones are words that stand in any text. */
const shortestSecret = 16;

/** What of a credential file must be shown nowhere: every long text of its JSON, else its long lines and words. */
export function secretsIn(text: string): string[] {
  const json = parsed(text);
  const lines = (json === null ? [text] : textsOf(json)).flatMap((one) => one.split(/\r?\n/));
  const words = json === null ? text.split(/[\s"'=,;:]+/) : [];
  const secrets = [...lines, ...words].map((one) => one.trim()).filter((one) => one.length >= shortestSecret);
  // Also as it stands in the JSON of an agent's events; the longest first, so that no part of one is left over.
  const written = secrets.flatMap((one) => [one, JSON.stringify(one).slice(1, -1)]);
  return [...new Set(written)].sort((left, right) => right.length - left.length);
}

/** Whether both are JSON with the same keys and kinds of values: tokens may be new, settings may not be added. */
export function isSameShape(before: string, after: string): boolean {
  const [old, renewed] = [parsed(before), parsed(after)];
  return old !== null && renewed !== null && alike(old, renewed);
}

function parsed(text: string): object | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

function alike(before: unknown, after: unknown): boolean {
  if (before === null || after === null) return before === after;
  if (typeof before !== 'object') return typeof after === typeof before;
  if (typeof after !== 'object' || Array.isArray(before) !== Array.isArray(after)) return false;
  const keys = Object.keys(before);
  if (keys.length !== Object.keys(after).length) return false;
  return keys.every((key) => Object.hasOwn(after, key) && alike(valueOf(before, key), valueOf(after, key)));
}

function valueOf(object: object, key: string): unknown {
  return (object as Readonly<Record<string, unknown>>)[key];
}
