import { stages, type Stage } from '#shared/domain/stage.ts';
import { Option, type Command } from 'commander';
import { jsonOption, wholeNumber, type CommandContext, type CommonOptions } from './command-context.ts';

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
}
