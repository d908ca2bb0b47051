import { units } from './units.js';

const part = /(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\b/g;

/** Milliseconds of a span such as `90s`, `1.5h` or `1h 30m`. */
export function parse(text) {
  const parts = [...String(text).matchAll(part)];
  if (parts.length === 0) throw new TypeError(`Not a span of time: ${JSON.stringify(text)}`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * units.get(unit), 0);
}
