import { Option, type Command } from 'commander';
import { keeps, type Keep } from '../core/reconcile/conflict-regions.ts';
import { jsonOption, type CommandContext, type CommonOptions } from './command-context.ts';

export function addVaultCommands(program: Command, context: CommandContext): void {
  const vault = program.command('vault').description('the notes as files');
  vault
    .command('reconcile')
    .description('show what a sync tool left: copies, conflict markers, clashes; settle it; lose nothing')
    .addOption(new Option('--keep <version>', 'which of two versions counts').choices(keeps))
    .option('--yes', 'settle without asking: what needs no choice, and with --keep the rest')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { reconcile } = await import('./vault-reconcile.ts');
      type Given = CommonOptions & { readonly keep?: Keep; readonly yes?: boolean };
      context.code = await reconcile(context.terminal, command.optsWithGlobals<Given>());
    });
}
