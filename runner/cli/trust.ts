import { OpusError } from '#shared/domain/errors.ts';
import { diffLines } from '#shared/domain/line-diff.ts';
import { composeRunner } from '../compose.ts';
import { composeTrust } from '../compose-trust.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import type { NoteChange, Trust } from '../engine/trust.ts';
import { confirm } from './ask.ts';
import { locateConfig, type LocatedConfig } from './configuration.ts';

import { colouredDiff } from './coloured-diff.ts';
import { plainLine } from './plain-text.ts';
import { connectToService } from './service-client.ts';
import { besideJson, printJson, type Terminal } from './terminal.ts';
import { withReader } from './with-reader.ts';

export interface TrustOptions {
  readonly all?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

/**
 * Shows what is not in force yet in notes that name commands or policy, and puts it in force when a person says so.
 * As JSON: what is not in force, or with --all what was put in force just now.
 */
export async function trust(terminal: Terminal, options: TrustOptions): Promise<number> {
  const json = options.json === true;
  const beside = besideJson(terminal, json);
  const changes = await withReader(terminal, options, async (reader) => (await reader.trust()).changes());
  const waiting = changes.filter((change) => change.state !== 'confirmed');
  if (waiting.length === 0) {
    if (json) printJson(terminal, []);
    beside.out(
      `Nothing to confirm: ${changes.length === 1 ? 'the one note is' : `all ${changes.length} notes are`} in force.`,
    );
    return 0;
  }
  if (!json) for (const change of waiting) for (const line of changeLines(terminal, change)) terminal.out(line);
  const sound = waiting.filter((change) => change.problems.length === 0);
  const located = locateConfig(terminal, options.config);
  if (options.all !== true) {
    if (json || !terminal.canAsk) {
      if (json) printJson(terminal, waiting);
      terminal.err(
        `Not confirmed: ${waiting.length} of ${changes.length} notes. Confirm with: ${located.command('trust --all')}`,
      );
      return 3;
    }
    const question = `Put ${sound.length === 1 ? 'this note' : `these ${sound.length} notes`} in force?`;
    if (sound.length > 0 && !(await confirm(terminal, question))) {
      terminal.out('Nothing was confirmed.');
      return 3;
    }
  }
  await confirmShown(located, sound);
  if (json) printJson(terminal, sound);
  beside.out(`${sound.length} of ${waiting.length} confirmed.`);
  if (sound.length === waiting.length) return 0;
  terminal.err('The others cannot take effect until what is wrong with them is mended.');
  return 2;
}

/** What was shown is what is confirmed: a note that changed since is refused. */
async function confirmShown(located: LocatedConfig, shown: readonly NoteChange[]): Promise<void> {
  if (shown.length === 0) return;
  const opened = await openTrust(located.config);
  try {
    const moved = await opened.trust.confirmShown(shown);
    if (moved !== null) {
      throw new OpusError(
        'config.untrusted',
        `${moved} was changed while you looked at it, so nothing was confirmed.`,
        {
          hint: `Look again: ${located.command('trust')}`,
        },
      );
    }
  } finally {
    await opened.close();
  }
  // What could not start for want of them starts at once; a service that does not answer finds it with its next look.
  await connectToService(located.config.data)
    ?.ask('runner.reload', {}, { timeoutMs: 5_000 })
    .catch(() => undefined);
}

async function openTrust(config: RunnerConfig): Promise<{ readonly trust: Trust; close(): Promise<void> | void }> {
  try {
    const runner = await composeRunner(config);
    return { trust: runner.trust, close: () => runner.stop() };
  } catch (thrown) {
    if (!(thrown instanceof OpusError && thrown.code === 'registry.locked')) throw thrown;
    return composeTrust(config);
  }
}

function changeLines(terminal: Terminal, change: NoteChange): string[] {
  const colour = change.state === 'new' ? 'green' : change.state === 'gone' ? 'red' : 'yellow';
  const title = `${terminal.paint('out', colour, change.state.padEnd(7))}  ${terminal.paint('out', 'bold', plainLine(change.path))}`;
  const problems = change.problems.flatMap(({ line, message, hint }) => [
    `  ${terminal.paint('out', 'red', 'error')} in line ${line}: ${plainLine(message)}`,
    `      ${plainLine(hint)}`,
  ]);
  const diff = colouredDiff(terminal, diffLines(change.before ?? '', change.after ?? '').join('\n'));
  return [title, ...problems, ...diff.map((line) => `  ${line}`), ''];
}
