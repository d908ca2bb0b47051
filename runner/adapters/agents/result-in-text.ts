/**
 * The JSON object that an agent said instead of writing it to its result file: all of its last words, or the last
 * fenced block of them. Null when there is none.
 */
export function resultInText(text: string): unknown {
  const fenced = [...text.matchAll(/```(?:json)?\s*\n([\s\S]*?)\n\s*```/g)].at(-1)?.[1];
  for (const candidate of [text, fenced ?? '']) {
    const trimmed = candidate.trim();
    if (!trimmed.startsWith('{')) continue;
    try {
      return JSON.parse(trimmed) as unknown;
    } catch {
      // Words that only look like it.
    }
  }
  return null;
}
