import { useMemo } from 'preact/hooks';
import type { OutputLine } from '../../view-model/output-model.ts';
import { printedText } from '../frame/visible-text.ts';
import { splitAtHits } from './split-at-hits.ts';

export interface OutputLinesOptions {
  readonly lines: readonly OutputLine[];
  readonly query: string;
  /** The number of the line that is the current hit. */
  readonly current: number | null;
}

/** All lines, each attempt under its heading. */
export function OutputLines({ lines, query, current }: OutputLinesOptions) {
  return (
    <>
      {lines.map((line) => (
        <Line key={line.number} line={line} query={query} isCurrent={line.number === current} />
      ))}
    </>
  );
}

const signs: Partial<Record<OutputLine['kind'], string>> = {
  tool: '→ ',
  result: '← ',
  file: '± ',
  question: '? ',
  warning: '! ',
  good: '✓ ',
  bad: '✗ ',
};

interface LineOptions {
  readonly line: OutputLine;
  readonly query: string;
  readonly isCurrent: boolean;
}

/** Drawn anew only when something about it changed: there are thousands. */
function Line({ line, query, isCurrent }: LineOptions) {
  return useMemo(() => {
    const text = printedText(line.text);
    const parts = splitAtHits(text, query).map((part, at) => (at % 2 === 1 ? <mark key={at}>{part}</mark> : part));
    const place = `opus-log-${line.kind}${isCurrent ? ' opus-log-current' : ''}`;
    return line.kind === 'heading' ? (
      <h3 class={`opus-attempt-title ${place}`} data-key={line.number}>
        {parts}
      </h3>
    ) : (
      <div class={`opus-log-line ${place}`} data-key={line.number}>
        {signs[line.kind] ?? ''}
        {parts}
      </div>
    );
  }, [line, query, isCurrent]);
}
