import { plainText } from './plain-text.ts';
import type { Terminal } from './terminal.ts';

/** A unified diff in colour, without control characters that it may carry. */
export function colouredDiff(terminal: Terminal, diff: string): string[] {
  return plainText(diff)
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      if (/^(?:diff |index |\+\+\+ |--- )/.test(line)) return terminal.paint('out', 'bold', line);
      if (line.startsWith('@@')) return terminal.paint('out', 'cyan', line);
      if (line.startsWith('+')) return terminal.paint('out', 'green', line);
      return line.startsWith('-') ? terminal.paint('out', 'red', line) : line;
    });
}
