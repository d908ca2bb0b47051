// Draws a terminal's output as an image, for the README:
//   npm start --silent -- --once 2>&1 | node scripts/run.mjs scripts/draw-run.mjs 'npm start' > docs/run.svg
//   opus status | node scripts/run.mjs scripts/draw-run.mjs 'opus status' > docs/status.svg
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const columns = 110;
const advance = 7.8;
const height = 19;
const pad = 18;
const bar = 34;
const colors = [
  [/^\$ .*|^(?:Running|Waiting|Finished)$/, '#e6edf3', true],
  [/^✓|^done\b|^merged\b/, '#7ee787', false],
  [/^✗/, '#ff7b72', false],
  [/^↺|^waiting\b/, '#e3b341', false],
  [/^\s{2,}/, '#8b949e', false],
];

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function fold(line) {
  const parts = [];
  let rest = line;
  while ([...rest].length > columns) {
    const space = rest.lastIndexOf(' ', columns);
    const cut = space > columns / 2 ? space : columns;
    parts.push(rest.slice(0, cut));
    rest = `    ${rest.slice(cut).trimStart()}`;
  }
  return [...parts, rest];
}

const command = process.argv[2] ?? 'npm start';
// A terminal replaces the lines that say what has begun by those that say how it ended.
const text = stripVTControlCharacters(readFileSync(0, 'utf8'))
  .replaceAll(/^… .*\n/gm, '')
  .replaceAll(dirname(import.meta.dirname), '/home/me/opus')
  .trimEnd();
const lines = [`$ ${command}`, ...text.split('\n')].flatMap(fold);
const width = Math.ceil(columns * advance + 2 * pad);
const total = bar + lines.length * height + pad;

const rows = lines.map((line, at) => {
  const [, fill = '#c9d1d9', bold = false] = colors.find(([pattern]) => pattern.test(line)) ?? [];
  const weight = bold ? ' font-weight="bold"' : '';
  return `  <text x="${pad}" y="${bar + (at + 1) * height - 6}" fill="${fill}"${weight} xml:space="preserve">${escape(line)}</text>`;
});

process.stdout
  .write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${total}" viewBox="0 0 ${width} ${total}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" role="img">
  <title>${escape(command)}</title>
  <rect width="100%" height="100%" rx="8" fill="#0d1117"/>
  <circle cx="20" cy="17" r="5" fill="#ff5f57"/><circle cx="38" cy="17" r="5" fill="#febc2e"/><circle cx="56" cy="17" r="5" fill="#28c840"/>
${rows.join('\n')}
</svg>
`);
