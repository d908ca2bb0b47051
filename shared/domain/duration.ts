const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** `2h`, `5m`, `1h 30m`, `500ms`, `1.5h` in milliseconds; null when the text is no duration. A number needs its unit. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  if (!/^(?:\d{1,9}(?:\.\d{1,3})?(?:ms|[dhms])\s*)+$/.test(trimmed)) return null;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) {
    total += Number(amount) * (units.find(([name]) => name === unit)?.[1] ?? 0);
  }
  return Math.round(total);
}

/** The shortest text that `parseDuration` reads back: `1h 30m`, `0s`. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.max(0, Math.round(milliseconds));
  if (rest === 0) return '0s';
  const parts: string[] = [];
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${name}`);
  }
  return parts.join(' ');
}
