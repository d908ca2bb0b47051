import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { jobDocument } from '#shared/domain/job.ts';
import type { ErrorCode } from '#shared/domain/errors.ts';
import type { World } from './case-world.ts';
import type { Outcome } from './run-case.ts';

const program = join(import.meta.dirname, '../../bin/opus.mjs');

export interface CommandEnd {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real command line on a world, as a process of its own. */
export async function opus(
  world: World,
  argv: readonly string[],
  meanwhile: (child: ChildProcess) => Promise<void> = () => Promise.resolve(),
): Promise<CommandEnd> {
  const child = spawn(process.execPath, [program, ...argv, '--config', world.configFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: world.folder,
    env: { ...process.env, OPUS_FROM_SOURCE: '1', NO_COLOR: '1' },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  await meanwhile(child);
  const exit = await closed;
  return { exit, stdout, stderr };
}

/** A command that prints one JSON document on standard output and nothing else there. */
export async function opusJson(world: World, argv: readonly string[]): Promise<Outcome> {
  const { exit, stdout, stderr } = await opus(world, [...argv, '--json']);
  const printed = JSON.parse(stdout) as { error: { code: ErrorCode; message: string; hint: string | null } | null };
  const document = 'job' in printed ? jobDocument.parse(printed) : null;
  return { document, error: printed.error, exit: exit ?? -1, warnings: stderr.split('\n') };
}
