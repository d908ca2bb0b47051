const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
};

/** A path as git writes it in a diff: in double quotes with C's escapes, byte by byte, where it has anything unusual in it. */
export function pathFromGit(written: string): string {
  if (!/^".*"$/s.test(written)) return written;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const [, octal, escaped, plain] of written.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 0xff);
    else bytes.push(...encoder.encode(plain ?? escapes[escaped ?? ''] ?? escaped));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
