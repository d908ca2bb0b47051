/**
 * The arguments of `opus status`, read by hand so that the library for the others is not loaded: it takes as long as the command.
 * Null for any other call, and for anything unusual about this one.
 */
export function readStatusCall(args: readonly string[]): { readonly json: boolean; readonly config?: string } | null {
  let json = false;
  let config: string | undefined;
  let named = false;
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    if (word === 'status' && !named) named = true;
    else if (word === '--json' && named) json = true;
    else if (word === '--config' && args[at + 1] !== undefined) config = args[(at += 1)];
    else if (word.startsWith('--config=')) config = word.slice('--config='.length);
    else return null;
  }
  if (!named) return null;
  return config === undefined ? { json } : { json, config };
}
