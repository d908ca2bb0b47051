import { describe, expect, it } from 'vitest';
import { lineCommentsText } from '../../runner/core/pipeline/line-comments.ts';

const at = (file: string, line: number | null, body: string) => ({ file, line, body });

describe('comments on a change', () => {
  it.each([
    ['nothing', [], ' \n', ''],
    ['one on the whole', [], 'Make it shorter.\n', 'Make it shorter.'],
    ['one at a line', [at('src/a.js', 12, 'Name it.')], '', 'src/a.js:12: Name it.'],
    ['one on a file', [at('src/a.js', null, 'Move it.')], '', 'src/a.js: Move it.'],
    [
      'several, the whole first',
      [at('b.js', 2, 'Two.'), at('a.js', 1, 'One.\r\nAnd more.\n')],
      'All of it.',
      'All of it.\n\nb.js:2: Two.\na.js:1: One.\n  And more.',
    ],
    ['one at a name that looks like another', [at('a.js\nb.js', 1, 'Here.')], '', 'a.js b.js:1: Here.'],
  ])('are told to the agent: %s', (_what, comments, comment, text) => {
    expect(lineCommentsText(comments, comment)).toBe(text);
  });
});
