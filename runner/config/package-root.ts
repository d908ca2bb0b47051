import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Sources are in runner/config/ and bundles in dist/runner/: two levels down, both. */
export const packageRoot = join(import.meta.dirname, '..', '..');

export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { readonly version: string };
  return manifest.version;
}
