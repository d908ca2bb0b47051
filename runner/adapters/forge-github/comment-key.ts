/** Tells one of our comments from another, unseen by readers. */
export function withKey(text: string, key: string): string {
  return `${text.trimEnd()}\n\n<!-- opus:${encodeURIComponent(key)} -->`;
}

export function keyIn(body: string): string | null {
  const found = /<!-- opus:(\S+) -->\s*$/.exec(body)?.[1];
  if (found === undefined) return null;
  try {
    return decodeURIComponent(found);
  } catch {
    return null;
  }
}
