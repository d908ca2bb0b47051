/** How much of a tool's output a model is given. */
export const longestOutput = { bytes: 30_000, lines: 2_000 } as const;

/** The beginning of a text, with a line that says what is left out. `advice` is how to see the rest. */
export function cappedText(text: string, advice: string): string {
  const lines = text.split('\n');
  let kept = lines.slice(0, longestOutput.lines).join('\n');
  const bytes = Buffer.from(kept);
  if (bytes.length > longestOutput.bytes) kept = new TextDecoder().decode(bytes.subarray(0, longestOutput.bytes));
  return kept.length === text.length ? text : `${kept}\n[… cut here: ${advice}]`;
}

export interface RunningOutput {
  take(text: string): void;
  text(): string;
}

/** The beginning and the end of any amount of output, in flat memory: what failed stands at its end. */
export function runningOutput(): RunningOutput {
  const half = longestOutput.bytes / 2;
  let head = '';
  let tail = '';
  let dropped = 0;
  return {
    take(text) {
      const room = half - head.length;
      head += text.slice(0, Math.max(0, room));
      const rest = tail + text.slice(Math.max(0, room));
      tail = rest.slice(-half);
      dropped += rest.length - tail.length;
    },
    text: () => (dropped === 0 ? head + tail : `${head}\n[… ${dropped} characters left out here …]\n${tail}`),
  };
}
