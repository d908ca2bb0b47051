import type { Command } from 'commander';
import { jsonOption, type CommandContext } from './command-context.ts';
import type { PauseAllOptions } from './pause-all.ts';

const words = [
  ['pause', 'stop every job at its last checkpoint and start nothing, also after a restart'],
  ['resume', 'end a pause or a drain'],
] as const;

/** What concerns the runner as a whole. */
export function addControlCommands(program: Command, context: CommandContext): void {
  for (const [word, description] of words) {
    program
      .command(word)
      .description(description)
      .requiredOption('--all', 'everything; one job with: job pause, job resume')
      .addOption(jsonOption())
      .action(async (_given: unknown, command: Command) => {
        const { setRunnerMode } = await import('./pause-all.ts');
        context.code = await setRunnerMode(context.terminal, word, command.optsWithGlobals<PauseAllOptions>());
      });
  }
  program
    .command('drain')
    .description('start nothing more; what runs goes on until it rests')
    .option('--wait', 'until nothing runs')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { setRunnerMode } = await import('./pause-all.ts');
      context.code = await setRunnerMode(context.terminal, 'drain', command.optsWithGlobals<PauseAllOptions>());
    });
}
