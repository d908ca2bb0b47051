/** The word that a misspelling probably stands for; null when none is near. */
export function nearestWord(text: string, words: readonly string[]): string | null {
  const lower = text.toLowerCase();
  let nearest: string | null = null;
  let least = Math.max(1, Math.floor(lower.length / 3)) + 1;
  for (const word of words) {
    const distance = editDistance(lower, word);
    if (distance < least) {
      least = distance;
      nearest = word;
    }
  }
  return nearest;
}

function editDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > 8) return Infinity;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
