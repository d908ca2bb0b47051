import { units } from './units.js';

const span = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;

/** Milliseconds of a span such as `90s` or `1.5h`. */
export function parse(text) {
  const match = span.exec(String(text).trim());
  if (!match) throw new TypeError(`Not a span of time: ${JSON.stringify(text)}`);
  return Number(match[1]) * units.get(match[2]);
}
