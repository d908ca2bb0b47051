import { units } from './units.js';

/** A span such as `1h 30m` for a number of milliseconds. */
export function format(ms) {
  if (!Number.isFinite(ms) || ms < 0) throw new TypeError(`Not a span of time: ${ms}`);
  let rest = Math.round(ms);
  const parts = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.length === 0 ? '0ms' : parts.join(' ');
}
