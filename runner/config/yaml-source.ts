import { isCollection, isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import type { ConfigProblem } from './config-problem.ts';

/** A YAML text with the lines of its parts. */
export interface YamlSource {
  /** What it says; undefined when it has problems. */
  readonly value: unknown;
  readonly problems: readonly ConfigProblem[];
  /** The line of the value at `path`, or of the closest part around it. */
  lineOf(path: readonly PropertyKey[]): number;
  /** The line of the key `key` in the mapping at `path`. */
  lineOfKey(path: readonly PropertyKey[], key: string): number;
}

/** `firstLine` is the line in the file on which the text begins. */
export function readYamlSource(text: string, firstLine: number): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: 'core', lineCounter: lines, prettyErrors: true, logLevel: 'silent' });
  const at = (offset: number): number => firstLine - 1 + Math.max(1, lines.linePos(offset).line);

  const problems: ConfigProblem[] = document.errors.map((error) => ({
    line: at(error.pos[0]),
    message: `${(error.message.split('\n', 1)[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')}.`,
    hint:
      error.code === 'TAB_AS_INDENT'
        ? 'Indent with spaces.'
        : error.code === 'DUPLICATE_KEY'
          ? 'Keep one of the two.'
          : 'Check the indentation, and put text with special characters in quotes.',
  }));
  let value: unknown;
  if (problems.length === 0) {
    try {
      value = document.toJS({ maxAliasCount: 50 }) ?? {};
    } catch (thrown) {
      problems.push({
        line: firstLine,
        message: thrown instanceof Error ? thrown.message : 'The aliases cannot be resolved.',
        hint: 'Write the values out.',
      });
    }
  }

  function lineOf(path: readonly PropertyKey[]): number {
    for (let length = path.length; length > 0; length -= 1) {
      const parent = nodeAt(document, path.slice(0, length - 1));
      const key = path[length - 1];
      if (isMap(parent)) {
        const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
        if (pair && isNode(pair.key) && pair.key.range) return at(pair.key.range[0]);
      }
      const node = nodeAt(document, path.slice(0, length));
      if (isNode(node) && node.range) return at(node.range[0]);
    }
    return firstLine;
  }

  return { value, problems, lineOf, lineOfKey: (path, key) => lineOf([...path, key]) };
}

function nodeAt(document: Document.Parsed, path: readonly PropertyKey[]): unknown {
  if (path.length === 0) return document.contents;
  return isCollection(document.contents) ? document.contents.getIn(path, true) : null;
}
