import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root, type Installed } from './installed.ts';
import type { JobSession } from './job-session.ts';
import type { Row } from './measure.ts';

const rounds = 9;

export async function jobRow(installed: Installed): Promise<Row> {
  // Where the program itself lies, which finds its package from there.
  const file = join(installed.folder, 'dist', 'runner', 'job-session.mjs');
  await build({
    entryPoints: [join(root, 'test', 'bench', 'job-session.ts')],
    outfile: file,
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    logLevel: 'warning',
    banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
  });
  const script = join(root, 'test', 'bench', 'reference-job.sh');
  const said = execFileSync(process.execPath, [file, script, String(rounds)], { encoding: 'utf8', timeout: 300_000 });
  const session = JSON.parse(said) as JobSession;
  return {
    what: 'a whole job around agents that do nothing, warm runner',
    unit: 'ms',
    measured: session.job,
    reference: { name: 'shell script with the same git and bwrap calls', value: session.script },
    limit: { of: 'ratio', at: 1.5 },
    note: `${session.gits} git processes and ${session.sandboxes} sandboxes a job`,
  };
}
