import { Option, type Command } from 'commander';
import { roles } from '#shared/protocol/roles.ts';
import { jsonOption, type CommandContext, type CommonOptions } from './command-context.ts';
import type { PairOptions } from './pair.ts';

export function addDeviceCommands(program: Command, context: CommandContext): void {
  program
    .command('pair')
    .description('let a device connect: a link, its QR code and a code that is good once')
    .addOption(new Option('--role <role>', 'what it may do').choices(roles).default('approver'))
    .option('--person <name>', 'whose device it is (default: you)')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { pair } = await import('./pair.ts');
      context.code = await pair(context.terminal, command.optsWithGlobals<PairOptions>());
    });
  const devices = program.command('devices').description('the devices that may connect');
  devices
    .command('list')
    .description('whose they are, what they may do, when they were last seen')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { listDevices } = await import('./devices.ts');
      context.code = await listDevices(context.terminal, command.optsWithGlobals<CommonOptions>());
    });
  devices
    .command('revoke')
    .description('end its connections and let it in no more')
    .argument('<device>', 'its name or id')
    .addOption(jsonOption())
    .action(async (device: string, _given: unknown, command: Command) => {
      const { revokeDevice } = await import('./devices.ts');
      context.code = await revokeDevice(context.terminal, device, command.optsWithGlobals<CommonOptions>());
    });
}
