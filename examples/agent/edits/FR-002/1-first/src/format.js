import { units } from './units.js';

/** A span such as `1h 30m` for a number of milliseconds; at most `parts` of them, rounded to the last one shown. */
export function format(ms, { parts: limit = units.size } = {}) {
  if (!Number.isFinite(ms) || ms < 0) throw new TypeError(`Not a span of time: ${ms}`);
  if (!Number.isInteger(limit) || limit < 1)
    throw new RangeError(`parts must be a whole number from 1 on, not ${limit}`);
  let rest = rounded(Math.round(ms), limit);
  const parts = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.length === 0 ? '0ms' : parts.slice(0, limit).join(' ');
}

/** To a multiple of the smallest unit that is shown, so that 59m 59s becomes 1h and never 60m. */
function rounded(ms, limit) {
  const sizes = [...units.values()];
  const first = sizes.findIndex((size) => ms >= size);
  const last = sizes[Math.min((first === -1 ? sizes.length : first) + limit, sizes.length) - 1];
  return Math.round(ms / last) * last;
}
