/** The text in turns outside and inside of what is searched for: every second part is a hit. */
export function splitAtHits(text: string, query: string): readonly string[] {
  const wanted = query.trim().toLowerCase();
  const lower = text.toLowerCase();
  // Where a letter has another length in lower case, places in one are none in the other.
  if (wanted === '' || lower.length !== text.length) return [text];
  const parts: string[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), text.slice(at, at + wanted.length));
    from = at + wanted.length;
  }
  return [...parts, text.slice(from)];
}
