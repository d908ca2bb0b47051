import { existsSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { withCommand } from '../core/reporting/lines.ts';
import { packageRoot } from '../config/package-root.ts';
import type { Terminal } from './terminal.ts';

/** Sentences from further in say `opus run FR-001`; here that is what a person can copy. */
export function inThisInstallation(sentence: string, terminal: Pick<Terminal, 'cwd' | 'environment'>): string {
  return withCommand(sentence, programName(terminal));
}

/** How a person here would call this installation. */
export function programName(terminal: Pick<Terminal, 'cwd' | 'environment'>): string {
  const script = process.argv[1] ?? '';
  const inside = !relative(packageRoot, terminal.cwd).startsWith('..');
  if (inside && existsSync(join(packageRoot, 'scripts', 'run.mjs'))) return 'npx opus';
  if (basename(script) === 'opus.mjs') return `node ${script}`;
  return terminal.environment['npm_command'] === 'exec' ? 'npx opus' : 'opus';
}
