import { stages, type Stage } from '#shared/domain/stage.ts';
import { Option, type Command } from 'commander';
import { jsonOption, wholeNumber, type CommandContext, type CommonOptions } from './command-context.ts';

const words = [
  ['pause', 'stop the job at its last checkpoint, until it is resumed'],
  ['resume', 'let a paused job go on'],
  ['unblock', 'start a job that waits, whatever it waits for'],
  ['return', 'give back what was checked out; the job goes on with your commits'],
] as const;

export function addJobCommands(program: Command, context: CommandContext): void {
  const job = program.command('job').description('jobs, by their id or by their request for the newest');
  job
    .command('list')
    .description('every job, oldest first')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { listJobs } = await import('./job-list.ts');
      context.code = await listJobs(context.terminal, command.optsWithGlobals<CommonOptions>());
    });
  job
    .command('show')
    .description('one job, and what to do next')
    .argument('<job>')
    .addOption(jsonOption())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { showJob } = await import('./job-show.ts');
      context.code = await showJob(context.terminal, name, command.optsWithGlobals<CommonOptions>());
    });
  job
    .command('log')
    .description('what agents, set-up and tests printed')
    .argument('<job>')
    .addOption(new Option('--stage <stage>', 'one stage only').choices(stages))
    .addOption(new Option('--attempt <number>', 'one try of the stage only').argParser(wholeNumber))
    .addOption(jsonOption())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { jobLog } = await import('./job-log.ts');
      type Given = CommonOptions & { readonly stage?: Stage; readonly attempt?: number };
      context.code = await jobLog(context.terminal, name, command.optsWithGlobals<Given>());
    });
  job
    .command('stream')
    .description('what happens as it happens, until the job rests or Ctrl-C')
    .argument('<job>')
    .addOption(new Option('--json', 'an event in each line, as JSON'))
    .action(async (name: string, _given: unknown, command: Command) => {
      const { streamJob } = await import('./job-stream.ts');
      context.code = await streamJob(context.terminal, name, command.optsWithGlobals<CommonOptions>());
    });
  job
    .command('diff')
    .description('the change')
    .argument('<job>')
    .addOption(jsonOption())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { jobDiff } = await import('./job-diff.ts');
      context.code = await jobDiff(context.terminal, name, command.optsWithGlobals<CommonOptions>());
    });
  job
    .command('retry')
    .description('go on with a job that needs a person')
    .argument('<job>')
    .addOption(new Option('--from <stage>', 'begin at this stage').choices(stages))
    .addOption(new Option('--rounds <number>', 'allow this many more fix rounds').argParser(wholeNumber))
    .option('--comment <text>', 'given to the next agent')
    .addOption(jsonOption())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { retry } = await import('./job-retry.ts');
      type Given = CommonOptions & { readonly from?: Stage; readonly rounds?: number; readonly comment?: string };
      context.code = await retry(context.terminal, name, command.optsWithGlobals<Given>());
    });
  for (const [word, description] of words) {
    job
      .command(word)
      .description(description)
      .argument('<job>')
      .addOption(jsonOption())
      .action(async (name: string, _given: unknown, command: Command) => {
        const { changeJob } = await import('./job-control.ts');
        context.code = await changeJob(context.terminal, word, name, command.optsWithGlobals<CommonOptions>());
      });
  }
  job
    .command('revert')
    .description('take what the job merged back, by a pull request of its own')
    .argument('<job>')
    .option('--comment <text>', 'why; kept with it')
    .addOption(jsonOption())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { revertJob } = await import('./job-revert.ts');
      type Given = CommonOptions & { readonly comment?: string };
      context.code = await revertJob(context.terminal, name, command.optsWithGlobals<Given>());
    });
  job
    .command('cancel')
    .description('end the job; its pull request is closed, its note parked')
    .argument('<job>')
    .option('--reason <text>', 'kept with it')
    .addOption(jsonOption())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { cancelJob } = await import('./job-control.ts');
      type Given = CommonOptions & { readonly reason?: string };
      context.code = await cancelJob(context.terminal, name, command.optsWithGlobals<Given>());
    });
  job
    .command('checkout')
    .description('hand the work to yourself, as a clone of its own; the job waits')
    .argument('<job>')
    .option('--dir <folder>', 'where to (default: a folder of that name here)')
    .addOption(jsonOption())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { checkOutJob } = await import('./job-control.ts');
      type Given = CommonOptions & { readonly dir?: string };
      context.code = await checkOutJob(context.terminal, name, command.optsWithGlobals<Given>());
    });
}
