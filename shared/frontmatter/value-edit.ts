import { CST, isAlias, isCollection, isPair, isScalar, type Pair } from 'yaml';
import { formatScalar, type QuoteStyle } from './scalar.ts';

/** Replaces the characters from `from` up to `to`. */
export interface TextEdit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

interface SourceToken {
  readonly type: string;
  readonly offset: number;
  readonly source?: string;
}

/** The edits that give a pair another value and keep the comment after it; null when its form does not allow that. */
export function replaceValue(source: string, pair: Pair, value: string): TextEdit[] | null {
  const token = (pair as { srcToken?: { sep?: readonly SourceToken[] } }).srcToken;
  const colon = token?.sep?.find((part) => part.type === 'map-value-ind');
  if (!colon) return null;
  const afterColon = colon.offset + 1;
  const text = formatScalar(value, styleOf(pair.value));
  const property = token?.sep?.find((part) => part.type === 'anchor' || part.type === 'tag');
  const start = property?.offset ?? startOf(pair.value);
  const end = significantEnd(pair);
  if (start === null || end <= afterColon) return [{ from: afterColon, to: afterColon, text: ` ${text}` }];
  const between = source.slice(afterColon, start);
  const header = isBlockScalar(pair.value) ? (blockScalarComment.exec(source.slice(start, end))?.[1] ?? '') : '';
  if (!between.includes('\n')) {
    return [{ from: afterColon, to: end, text: (between === '' ? ' ' : between) + text + header }];
  }
  // The value stands on later lines: it moves up beside its key, and comments on the way stay where they are.
  return [{ from: afterColon, to: end, text: ` ${text}${between.includes('#') ? between.trimEnd() : ''}${header}` }];
}

/** Where the last character that belongs to the pair's value, or to its key when it has none, ends. */
export function significantEnd(node: unknown): number {
  if (isPair(node)) {
    const key = significantEnd(node.key);
    return Math.max(key, isEmptyScalar(node.value) ? 0 : significantEnd(node.value));
  }
  if (isCollection(node)) {
    if (node.flow === true) return node.range?.[1] ?? 0;
    return Math.max(node.range?.[0] ?? 0, ...node.items.map((item) => significantEnd(item)));
  }
  if (isScalar(node)) {
    const end = node.range?.[1] ?? 0;
    const token = node.srcToken;
    if (!token || !isBlockScalar(node)) return end;
    // A block scalar's range includes the line ends after it, which stay.
    const written = CST.stringify(token);
    return end - (written.length - written.trimEnd().length);
  }
  return isAlias(node) ? (node.range?.[1] ?? 0) : 0;
}

const blockScalarComment = /^[^\n]*?[|>][-+0-9]*([ \t]+#[^\r\n]*)/;

function isBlockScalar(value: unknown): boolean {
  return isScalar(value) && (value.type === 'BLOCK_LITERAL' || value.type === 'BLOCK_FOLDED');
}

function isEmptyScalar(value: unknown): boolean {
  return value === null || (isScalar(value) && value.type === 'PLAIN' && value.source === '');
}

function startOf(value: unknown): number | null {
  if (isEmptyScalar(value)) return null;
  return (value as { range?: readonly number[] | null }).range?.[0] ?? null;
}

function styleOf(value: unknown): QuoteStyle {
  if (!isScalar(value)) return 'plain';
  if (value.type === 'QUOTE_DOUBLE') return 'double';
  return value.type === 'QUOTE_SINGLE' ? 'single' : 'plain';
}
