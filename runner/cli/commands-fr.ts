import { Option, type Command } from 'commander';
import { jsonOption, type CommandContext, type CommonOptions } from './command-context.ts';

export function addFeatureRequestCommands(program: Command, context: CommandContext): void {
  const fr = program.command('fr').description('feature requests');
  fr.command('list')
    .description('every feature request of the vault')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { listFeatureRequests } = await import('./fr-list.ts');
      context.code = await listFeatureRequests(context.terminal, command.optsWithGlobals<CommonOptions>());
    });
  fr.command('show')
    .description('one feature request')
    .argument('<fr>', 'its id')
    .addOption(jsonOption())
    .action(async (id: string, _given: unknown, command: Command) => {
      const { showFeatureRequest } = await import('./fr-show.ts');
      context.code = await showFeatureRequest(context.terminal, id, command.optsWithGlobals<CommonOptions>());
    });
  fr.command('new')
    .description('write a new feature request')
    .argument('<title>', 'its title')
    .addOption(jsonOption())
    .action(async (title: string, _given: unknown, command: Command) => {
      const { newFeatureRequest } = await import('./fr-new.ts');
      context.code = await newFeatureRequest(context.terminal, title, command.optsWithGlobals<CommonOptions>());
    });
  fr.command('validate')
    .description('what is wrong with any note, and what to write instead')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { validate } = await import('./fr-validate.ts');
      context.code = await validate(context.terminal, command.optsWithGlobals<CommonOptions>());
    });
  fr.command('graph')
    .description('what depends on what, in the order in which it can be built')
    .addOption(new Option('--mermaid', 'a Mermaid flowchart, to paste or to pipe').conflicts('json'))
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { featureRequestGraph } = await import('./fr-graph.ts');
      type Given = CommonOptions & { readonly mermaid?: boolean };
      context.code = await featureRequestGraph(context.terminal, command.optsWithGlobals<Given>());
    });
  fr.command('dispatch')
    .description('queue feature requests for the service')
    .argument('[fr...]', 'their ids')
    .option('--all', 'the backlog: what was planned when the vault was first seen')
    .option('--again', 'new jobs, superseding unfinished ones and their pull requests')
    .addOption(jsonOption())
    .action(async (names: string[], _given: unknown, command: Command) => {
      const { dispatchFeatureRequests } = await import('./fr-dispatch.ts');
      type Given = CommonOptions & { readonly all?: boolean; readonly again?: boolean };
      context.code = await dispatchFeatureRequests(context.terminal, names, command.optsWithGlobals<Given>());
    });
}
