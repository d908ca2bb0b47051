import { units } from './units.js';

const part = String.raw`(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)`;
const span = new RegExp(String.raw`^(-?)\s*(${part}(?:\s+${part})*)$`);

/** Milliseconds of a span such as `90s`, `1.5h`, `1h 30m` or `-15m`; the sign counts for the whole span. */
export function parse(text) {
  const match = span.exec(String(text).trim());
  if (!match) throw new TypeError(`Not a span of time: ${JSON.stringify(text)}`);
  let sum = 0;
  for (const [, count, unit] of match[2].matchAll(new RegExp(part, 'g'))) sum += Number(count) * units.get(unit);
  return match[1] === '-' ? 0 - sum : sum;
}
