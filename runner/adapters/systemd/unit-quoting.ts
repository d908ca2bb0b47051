/**
 * How systemd reads a word, which is not the same everywhere: `%` begins a specifier in all settings, `$` a variable in
 * the arguments of a command alone.
 */
function quoted(text: string): string {
  return `"${text.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll('%', '%%')}"`;
}

/**
 * A program and its arguments. The program is read by other rules: no variables, so that a doubled `$` would stay two, and
 * no quote or backslash in its path at all. One with such a path is started by a program without, which becomes it.
 */
export function commandWords(program: string, args: readonly string[]): string {
  const words = args.map(argumentWord);
  return /["'\\$]/.test(program)
    ? ['/usr/bin/env', '--', argumentWord(program), ...words].join(' ')
    : [quoted(program), ...words].join(' ');
}

function argumentWord(text: string): string {
  return quoted(text.replaceAll('$', '$$$$'));
}

/** A path in a list such as ReadWritePaths=. */
export function pathWord(path: string): string {
  return quoted(path);
}

export function variableWord(name: string, value: string): string {
  return quoted(`${name}=${value}`);
}

/** EnvironmentFile= takes the rest of the line as it is, without quotes, and as a pattern of file names. */
export function filePattern(path: string): string {
  return path.replaceAll(/[\\*?[]/g, String.raw`\$&`).replaceAll('%', '%%');
}
