import type { Command } from 'commander';
import { jsonOption, type CommandContext, type CommonOptions } from './command-context.ts';

export function addBackupCommands(program: Command, context: CommandContext): void {
  const backup = program.command('backup').description("backups of the registry, in the data folder's backups/");
  backup
    .command('list')
    .description('every backup, newest first')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { listBackups } = await import('./backup-list.ts');
      context.code = listBackups(context.terminal, command.optsWithGlobals<CommonOptions>());
    });
  backup
    .command('create')
    .description('make one now, also beside a running service')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { createBackup } = await import('./backup-create.ts');
      context.code = await createBackup(context.terminal, command.optsWithGlobals<CommonOptions>());
    });
  backup
    .command('restore')
    .description('put one in the place of the registry, which is moved aside')
    .argument('<name>', 'a name of the list, or latest for the newest that is undamaged')
    .option('--yes', 'without asking')
    .addOption(jsonOption())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { restoreBackup } = await import('./backup-restore.ts');
      type Given = CommonOptions & { readonly yes?: boolean };
      context.code = await restoreBackup(context.terminal, name, command.optsWithGlobals<Given>());
    });
}
