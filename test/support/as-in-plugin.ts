import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** What the lines of an entry file export, as it is in the plugin's bundle, beside the same modules as they are here. */
export async function asInPlugin(lines: readonly string[]): Promise<unknown> {
  const aliases = JSON.parse(readFileSync(join(root, 'plugin/aliases.json'), 'utf8')) as Record<string, string>;
  const replaced = Object.entries(aliases).map(([name, file]) => `--alias:${name}=${file}`);
  const text = execFileSync(
    join(root, 'node_modules/.bin/esbuild'),
    ['--bundle', '--format=esm', '--loader=ts', ...replaced],
    { cwd: root, input: lines.join('\n') },
  ).toString();
  return await import(`data:text/javascript,${encodeURIComponent(text)}`);
}
