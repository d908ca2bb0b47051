import { OpusError } from '#shared/domain/errors.ts';
import { execa } from 'execa';
import { commandEnvironment, noSystemd, saidWords } from './systemctl.ts';
import { unitName, type ServiceScope } from './unit-text.ts';

export interface JournalRequest {
  readonly scope: ServiceScope;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly lines: number;
  /** Goes on with what comes, until the signal aborts. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
  /** What journalctl itself has to say, e.g. that one may not read everything. */
  readonly onNote: (line: string) => void;
}

/** Settles at the end of the journal, or when the signal aborts; rejects with `service.failed` in journalctl's words. */
export async function readJournal(request: JournalRequest): Promise<void> {
  const unit = request.scope === 'system' ? `--unit=${unitName}` : `--user-unit=${unitName}`;
  const args = [unit, '--no-pager', '--output=short-iso', `--lines=${request.lines}`];
  const options = { env: commandEnvironment(request.environment), extendEnv: false, reject: false } as const;
  const child = execa('journalctl', request.follow ? [...args, '--follow'] : args, {
    ...options,
    stdin: 'ignore',
    buffer: { stdout: false, stderr: true },
    maxBuffer: 65_536,
    cancelSignal: request.signal,
  });
  try {
    for await (const line of child) request.onLine(line);
  } catch {
    // How it ended says why.
  }
  const ended = await child;
  if (ended.isCanceled) return;
  if (ended.code === 'ENOENT') throw noSystemd('journalctl is not on PATH.');
  const said = ended.stderr;
  if (ended.failed) {
    throw new OpusError('service.failed', `journalctl failed: ${saidWords(said, ended.shortMessage)}`, {
      hint: 'Reading the log of a service of the machine takes root, or membership in the group systemd-journal.',
    });
  }
  for (const line of said.split('\n').filter((text) => text.trim() !== '')) request.onNote(line);
}
