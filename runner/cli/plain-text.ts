const escape = String.raw`\u001b`;
/** Escape sequences, window titles, and every other control character but tab and line end. */
const controls = new RegExp(
  [
    String.raw`${escape}\[[0-?]*[ -/]*[@-~]`,
    String.raw`${escape}\][^\u0007\u001b]*(?:\u0007|${escape}\\)`,
    String.raw`[\u0000-\u0008\u000b-\u001f\u007f-\u009f]`,
  ].join('|'),
  'g',
);

/** Text of agents, notes and repositories, without what would move the cursor, change colours or retitle the window. */
export function plainText(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(controls, '');
}

/** The same on one line, cut to `width` characters. */
export function plainLine(text: string, width = 200): string {
  const line = plainText(text).replace(/\s+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** 40 ms, 1.2 s, 48 s, 3m 12s: as exact as a person needs it. */
export function shortDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 10_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}m ${seconds % 60}s` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}
