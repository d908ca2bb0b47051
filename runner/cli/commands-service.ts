import { Option, type Command } from 'commander';
import { jsonOption, wholeNumber, type CommandContext, type CommonOptions } from './command-context.ts';
import type { InstallOptions } from './service-install.ts';
import type { LogsOptions } from './service-logs.ts';
import type { ScopeOptions } from './service-place.ts';

export function addServiceCommands(program: Command, context: CommandContext): void {
  const service = program.command('service').description('`opus serve` as a service of systemd');
  const command = (name: string, description: string): Command =>
    service
      .command(name)
      .description(description)
      .addOption(new Option('--user', 'the service of your own user manager (default, but for root)'))
      .addOption(new Option('--system', 'the service of the whole machine').conflicts('user'));

  command('install', 'write the unit for this configuration; systemd starts it at boot')
    .option('--user-name <name>', 'who a service of the machine runs as (default: who called sudo)')
    .option('--now', 'start it at once')
    .option('--dry-run', 'print the unit and change nothing')
    .option('--force', 'replace a unit that was edited; a copy is kept')
    .action(async (_given: unknown, called: Command) => {
      const { installService } = await import('./service-install.ts');
      context.code = await installService(context.terminal, called.optsWithGlobals<InstallOptions>());
    });
  command('uninstall', 'stop the service and remove its unit; data stays').action(
    async (_given: unknown, called: Command) => {
      const { uninstallService } = await import('./service-control.ts');
      context.code = await uninstallService(context.terminal, called.optsWithGlobals<ScopeOptions>());
    },
  );
  const controls = [
    ['start', 'start it, and wait until it is ready'],
    ['stop', 'stop it; running steps get their time to end'],
    ['restart', 'stop and start it'],
  ] as const;
  for (const [verb, description] of controls) {
    command(verb, description).action(async (_given: unknown, called: Command) => {
      const { controlService } = await import('./service-control.ts');
      context.code = await controlService(context.terminal, verb, called.optsWithGlobals<ScopeOptions>());
    });
  }
  command('status', 'whether it runs, and what it said last; exit code 3 when it does not run')
    .addOption(jsonOption())
    .action(async (_given: unknown, called: Command) => {
      const { serviceStatus } = await import('./service-status.ts');
      context.code = await serviceStatus(context.terminal, called.optsWithGlobals<CommonOptions & ScopeOptions>());
    });
  command('logs', 'what it wrote to the journal')
    .option('-f, --follow', 'go on with what comes')
    .addOption(new Option('-n, --lines <number>', 'how many lines (default: 100)').argParser(wholeNumber))
    .action(async (_given: unknown, called: Command) => {
      const { serviceLogs } = await import('./service-logs.ts');
      context.code = await serviceLogs(context.terminal, called.optsWithGlobals<LogsOptions>());
    });
}
