import { units } from './units.js';

const part = String.raw`(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)`;
const span = new RegExp(String.raw`^${part}(?:\s+${part})*$`);

/** Milliseconds of a span such as `90s`, `1.5h` or `1h 30m`. */
export function parse(text) {
  const trimmed = String(text).trim();
  if (!span.test(trimmed)) throw new TypeError(`Not a span of time: ${JSON.stringify(text)}`);
  let sum = 0;
  for (const [, count, unit] of trimmed.matchAll(new RegExp(part, 'g'))) sum += Number(count) * units.get(unit);
  return sum;
}
