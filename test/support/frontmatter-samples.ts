import fc from 'fast-check';

/** Texts that YAML readers like to take for something else. */
const awkwardTexts = [
  ...[
    '',
    ' ',
    'yes',
    'No',
    'on',
    'OFF',
    'y',
    'n',
    'true',
    'null',
    '~',
    '12:30',
    '1:2:3',
    '2026-03-12',
    '1234e567',
    '0x1f',
  ],
  ...[
    '0o17',
    '017',
    '1_000',
    '.inf',
    '.NaN',
    '-',
    '- a',
    '? a',
    ': a',
    'a: b',
    'a #b',
    '#a',
    '&a',
    '*a',
    '!a',
    '|',
    '>',
    '%a',
  ],
  ...[
    '@a',
    '`a',
    '"',
    "'",
    "it's",
    'a"b',
    '\\',
    'a\\nb',
    '[[FR-009]]',
    '{a}',
    '[a]',
    'a, b',
    'a\nb',
    'a\r\nb',
    'a\tb',
    ' a',
    'a ',
  ],
  ...[
    'deadbeef',
    'e1',
    'E_1',
    'abcdef1',
    '0.42 USD',
    'https://example.com/pull/12',
    'ünï – ✓ 漢字',
    '\u0085\u2028\ufeff',
    '\u0000\u007f',
    '---',
    '...',
    '<<',
    '=',
  ],
];
export const wantedText = fc.oneof(
  fc.constantFrom(...awkwardTexts),
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(...'abe019:#-"\' ,[]{}&*!|>%@`\t\n'.split('')), maxLength: 10 }),
);

export const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/);
const quotedText = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 15 }), fc.constantFrom('a: b # c', 'x\ty', 'é'));
const plainText = fc.constantFrom(
  'planned',
  'two words',
  '2026-03-12',
  '12:30',
  '7',
  '1.0',
  'a\tb',
  'true',
  '~',
  'über',
  '#tag'.slice(1),
  'x#y',
);
export const comment = fc.constantFrom('', '', ' # note', '   #x: y', '\t# tab');
export const scalar = fc.oneof(
  plainText,
  quotedText.map((text) => JSON.stringify(text)),
  quotedText.filter((text) => !/\p{Cc}/u.test(text)).map((text) => `'${text.replaceAll("'", "''")}'`),
);
/** The lines of one value after `key:`, in every form that people and programs write. */
const valueLines = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(' ', '  '), scalar, comment)
      .map(([space, text, tail]) => [space + text + tail]),
  },
  comment.map((tail) => [tail]),
  fc
    .array(scalar, { minLength: 1, maxLength: 3 })
    .chain((items) =>
      fc.constantFrom('', '  ', '    ').map((indent) => ['', ...items.map((item) => `${indent}- ${item}`)]),
    ),
  fc.tuple(fc.array(word, { maxLength: 3 }), comment).map(([items, tail]) => [` [${items.join(', ')}]${tail}`]),
  fc.tuple(word, word).map(([a, b]) => [` { ${a}: x, "${b}b": [1, 2] }`]),
  fc.tuple(word, scalar).map(([key, text]) => ['', `  ${key}:`, `    deep: ${text}`, '  # inside']),
  fc
    .tuple(fc.constantFrom('|', '>', '|-', '>+', '| # why'), word)
    .map(([style, text]) => [` ${style}`, `  ${text}`, '', `    ${text}: more`]),
  fc.tuple(word, word).map(([a, b]) => [` ${a}`, `  ${b}`]),
  word.map((text) => [' # above', `  ${text}`]),
  word.map((text) => [` &${text} anchored`]),
  word.map((text) => [` !!str ${text}`]),
);
const keyForm = fc.constantFrom(
  (key: string) => key,
  (key: string) => key,
  (key: string) => `"${key}"`,
  (key: string) => `'${key}'`,
);
const filler = fc.constantFrom<string[]>([], [], [], [''], ['# a comment']);

export interface Sample {
  readonly text: string;
  readonly keys: readonly string[];
  /** For each key, the first character of its lines and the first one after them. */
  readonly spans: ReadonlyMap<string, readonly [number, number]>;
}

/** A note with frontmatter in one of the many styles that people and programs write. */
export const sample: fc.Arbitrary<Sample> = fc
  .record({
    keys: fc.uniqueArray(word, { maxLength: 6 }),
    parts: fc.array(fc.tuple(valueLines, keyForm, filler), { minLength: 6, maxLength: 6 }),
    lineEnd: fc.constantFrom('\n', '\r\n'),
    mark: fc.constantFrom('', '\ufeff'),
    fence: fc.constantFrom('---', '--- '),
    body: fc.constantFrom('', 'Body.\n', '# Title\n\n---\nkey: no\n---\n'),
  })
  .map(({ keys, parts, lineEnd, mark, fence, body }) => {
    let text = `${mark}${fence}${lineEnd}`;
    const spans = new Map<string, readonly [number, number]>();
    keys.forEach((key, index) => {
      const [lines, form, extra] = parts[index] ?? [[''], (name: string) => name, []];
      const start = text.length;
      text += [`${form(key)}:${lines[0] ?? ''}`, ...lines.slice(1)].join(lineEnd) + lineEnd;
      spans.set(key, [start, text.length]);
      text += extra.map((line) => line + lineEnd).join('');
    });
    return { text: `${text}---${lineEnd}${body}`, keys, spans };
  });
