/** `12s`, `4m 05s`, `2h 10m`, `3d 4h`: two units at most, so that a ticking time keeps its width. */
export function elapsed(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${padded(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${padded(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** `just now`, `5m ago`, `in 2h`: how far a moment is from now. */
export function relativeTime(at: number, now: number): string {
  const distance = now - at;
  if (Math.abs(distance) < 60_000) return distance >= 0 ? 'just now' : `in ${elapsed(-distance)}`;
  const largest = elapsed(Math.abs(distance)).split(' ')[0] ?? '';
  return distance > 0 ? `${largest} ago` : `in ${largest}`;
}

export function dollars(amount: number): string {
  return amount > 0 && amount < 0.01 ? '<$0.01' : `$${amount.toFixed(2)}`;
}

export function tokens(count: number): string {
  if (count < 1_000) return String(count);
  if (count < 999_500) return `${(count / 1_000).toFixed(count < 9_950 ? 1 : 0)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}

/** `3 files, +120 −4`. */
export function sizeText(size: { readonly files: number; readonly added: number; readonly removed: number }): string {
  return `${counted(size.files, 'file')}, +${size.added} −${size.removed}`;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `in-progress` as `In progress`. */
export function sentenceCase(name: string): string {
  const spaced = name.replaceAll('-', ' ');
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

function padded(count: number): string {
  return String(count).padStart(2, '0');
}
