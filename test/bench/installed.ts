import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The product as the package holds it, in a folder of its own, so that the state of a checkout does not matter. */
export interface Installed {
  readonly folder: string;
  readonly bin: string;
  remove(): void;
}

export function install(): Installed {
  const folder = mkdtempSync(join(tmpdir(), 'opus-bench-package-'));
  execFileSync(process.execPath, [join(root, 'esbuild.config.mjs'), '--out', join(folder, 'dist')], {
    cwd: root,
    stdio: 'inherit',
  });
  for (const name of ['bin', 'package.json', 'examples']) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  return {
    folder,
    bin: join(folder, 'bin', 'opus.mjs'),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
