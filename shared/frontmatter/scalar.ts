export type QuoteStyle = 'plain' | 'single' | 'double';

/** A word, a path, a name or an address that neither YAML 1.1 nor 1.2 takes for anything but text. */
const plainWord = /^(?:[A-Za-z][A-Za-z0-9_./-]*|https?:\/\/[A-Za-z0-9.-]+(?::\d+)?(?:\/[A-Za-z0-9._~/%=&?+@-]*)?)$/;
/** The last is a number to some YAML 1.1 readers. */
const keyword = /^(?:y|n|yes|no|on|off|true|false|null|e[0-9_]+)$/i;
/** A hash may be all digits but one `e`: hashes are quoted whatever their digits happen to be. */
const hexadecimal = /^[0-9a-f]{6,}$/i;
// eslint-disable-next-line no-control-regex
const needsEscape = /[\u0000-\u001f\u007f-\u00a0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]/;

/** The text as one YAML scalar on one line, in the wanted style where that is safe; every YAML reader reads back exactly the text. */
export function formatScalar(text: string, style: QuoteStyle = 'plain'): string {
  if (style === 'plain' && plainWord.test(text) && !keyword.test(text) && !hexadecimal.test(text)) return text;
  if (style === 'single' && !needsEscape.test(text)) return `'${text.replaceAll("'", "''")}'`;
  return JSON.stringify(text).replace(/[\u007f-\u00a0\u2028\u2029\ufeff\ufffe\uffff]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
