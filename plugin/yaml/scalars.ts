/** What the core schema of YAML 1.2, or YAML 1.1, takes an unquoted text for. Of 1.1 it only counts whether that is a text. */
export function plainValue(text: string, version: '1.1' | '1.2'): unknown {
  if (version === '1.1') return retypedBefore.test(text) ? null : text;
  if (/^(?:~|[Nn]ull|NULL)?$/.test(text)) return null;
  if (/^(?:[Tt]rue|TRUE|[Ff]alse|FALSE)$/.test(text)) return /^t/i.test(text);
  if (/^[-+]?[0-9]+$/.test(text)) return Number(text);
  if (/^0o[0-7]+$/.test(text) || /^0x[0-9a-fA-F]+$/.test(text)) return Number(text);
  if (/^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$/.test(text)) {
    return /nan/i.test(text) ? Number.NaN : text.startsWith('-') ? -Infinity : Infinity;
  }
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)) return Number(text);
  return text;
}

const retypedBefore = new RegExp(
  [
    '~?|[Nn]ull|NULL|<<',
    '[Yy]|[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON|[Nn]|[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF',
    '[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)',
    '[-+]?\\.(?:inf|Inf|INF)|\\.nan|\\.NaN|\\.NAN',
    '[-+]?(?:[0-9][0-9_]*)?(?:\\.[0-9_]*)?[eE][-+]?[0-9]+|[-+]?(?:[0-9][0-9_]*)?\\.[0-9_]*',
    '[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\\.[0-9_]*)?',
    '\\d{4}-\\d\\d?-\\d\\d?(?:(?:[tT]|[ \\t]+)\\d\\d?:\\d\\d?:\\d\\d?(?:\\.\\d+)?(?:[ \\t]*(?:Z|[-+][012]?\\d(?::\\d\\d)?))?)?',
  ]
    .map((form) => `(?:^(?:${form})$)`)
    .join('|'),
);

/** The text between double quotes; null where an escape means nothing. */
export function unescaped(text: string): string | null {
  const wrong: string[] = [];
  const folded = foldedLines(text.replace(/\\\r?\n[ \t]*/g, '\\\u0000'));
  const result = folded.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g,
    (all: string, two?: string, four?: string, eight?: string, one?: string) => {
      const code = two ?? four ?? eight;
      if (code !== undefined) {
        const point = Number.parseInt(code, 16);
        if (point <= 0x10ffff) return String.fromCodePoint(point);
      } else if (one !== undefined && Object.hasOwn(escapes, one)) {
        return escapes[one] ?? '';
      }
      wrong.push(all);
      return '';
    },
  );
  return wrong.length > 0 ? null : result;
}

const escapes: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\u0007',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\u001b',
  ' ': ' ',
  '"': '"',
  '/': '/',
  '\\': '\\',
  N: '\u0085',
  _: '\u00a0',
  L: '\u2028',
  P: '\u2029',
  '\t': '\t',
  '\u0000': '',
};

/** Lines of one scalar joined: one line end is a space, each more is a line end. */
export function foldedLines(text: string): string {
  return text.replace(/[ \t]*\r?\n((?:[ \t]*\r?\n)*)[ \t]*/g, (_all, more: string) => {
    const extra = more.split('\n').length - 1;
    return extra === 0 ? ' ' : '\n'.repeat(extra);
  });
}

/** The text of a block scalar without its indentation, folded where its header says so. */
export function blockText(header: string, lines: readonly string[]): string {
  const written = lines.map((line) => line.replace(/\r$/, ''));
  const first = written.find((line) => line.trim() !== '') ?? '';
  const indent = /^ */.exec(first)?.[0].length ?? 0;
  const content = written.map((line) => line.slice(indent));
  const kept = content.join('\n').replace(/\n+$/, '');
  const trailing = content.length - kept.split('\n').length;
  const end = header.includes('-') || kept === '' ? '' : header.includes('+') ? '\n'.repeat(trailing + 1) : '\n';
  if (!header.startsWith('>')) return kept + end;
  return folded(kept) + end;
}

/** Lines that are indented further keep their ends. */
function folded(text: string): string {
  let result = '';
  let before: string | null = null;
  let empty = 0;
  for (const line of text.split('\n')) {
    if (line === '') {
      empty += 1;
      continue;
    }
    const isKept = before === null || /^[ \t]/.test(line) || /^[ \t]/.test(before);
    const ends = before === null ? empty : isKept ? empty + 1 : empty;
    result += ends === 0 && before !== null ? ` ${line}` : '\n'.repeat(ends) + line;
    before = line;
    empty = 0;
  }
  return result;
}
