/**
 * Takes the place of the package `yaml` in the plugin's bundle, in which that would be half of all there may be. It reads
 * what properties are written as, gives the same ranges and values as the package, and refuses what it does not know.
 */
import type { Collection, Pair, ParsedDocument, Scalar, Value } from './nodes.ts';
import { parseBlockMap } from './parse-block.ts';

interface ParseOptions {
  readonly version?: '1.1' | '1.2';
}

export function parseDocument(source: string, { version = '1.2' }: ParseOptions = {}): ParsedDocument {
  return parseBlockMap(source, version);
}

/** Lines are counted by the parser itself. */
export const LineCounter = Object;

export const CST = {
  stringify: ({ text }: { readonly text: string }): string => text,
};

const kindOf = (node: unknown): unknown =>
  typeof node === 'object' && node !== null && 'kind' in node ? node.kind : null;

export const isScalar = (node: unknown): node is Scalar => kindOf(node) === 'scalar';
export const isMap = (node: unknown): node is Collection => kindOf(node) === 'map';
export const isSeq = (node: unknown): node is Collection => kindOf(node) === 'seq';
export const isPair = (node: unknown): node is Pair => kindOf(node) === 'pair';
export const isCollection = (node: unknown): node is Collection => isMap(node) || isSeq(node);
export const isNode = (node: unknown): node is Value => isScalar(node) || isCollection(node);
/** A document with an alias in it is refused. */
export const isAlias = (_node: unknown): boolean => false;
