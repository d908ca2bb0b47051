import { OpusError } from '#shared/domain/errors.ts';
import { Command, CommanderError, Option } from 'commander';
import type { AgentsOptions } from './agents.ts';
import type { AskOptions } from './ask-agent.ts';
import { jsonOption, wholeNumber, type CommandContext, type CommonOptions } from './command-context.ts';
import { addBackupCommands } from './commands-backup.ts';
import { addControlCommands } from './commands-control.ts';
import { addDeviceCommands } from './commands-devices.ts';
import { addFeatureRequestCommands } from './commands-fr.ts';
import { addJobCommands } from './commands-job.ts';
import { addServiceCommands } from './commands-service.ts';
import { addVaultCommands } from './commands-vault.ts';
import type { DecideOptions } from './decide.ts';
import type { DemoOptions } from './demo.ts';
import type { InitOptions } from './init-answers.ts';
import { programName } from './program-name.ts';
import { packageVersion } from '../config/package-root.ts';
import type { RunOptions } from './run.ts';
import type { Terminal } from './terminal.ts';
import type { UsageOptions } from './usage.ts';

/** Every command with its options. What a command needs is loaded when it is called. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  const context: CommandContext = { terminal, code: 0 };
  const program = new Command('opus')
    .description('Turns feature-request notes of an Obsidian vault into merged pull requests.')
    .version(packageVersion())
    .option('--config <file>', 'the configuration (default: opus.yml here or in a folder above)')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => {
        terminal.out(text.trimEnd());
      },
      // What is wrong with the arguments is said by the one place that says errors.
      writeErr: () => undefined,
    });
  program
    .command('demo')
    .description('the example vault and repository, end to end')
    .option('--once', 'end after the one run; on a terminal the service takes over otherwise')
    .option('--dir <folder>', 'where the example is copied to (default: .opus-demo)')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { demo } = await import('./demo.ts');
      context.code = await demo(terminal, command.optsWithGlobals<DemoOptions>());
    });

  program
    .command('init')
    .description('write opus.yml, vault folders and agent notes; never overwrites')
    .option('--vault <folder>', 'the Obsidian vault')
    .option('--repo <name=url[@base]>', 'a repository; may be given again', collect)
    .option('--test <command>', 'decides whether a change works, e.g. "npm test"')
    .option('--with <agents>', 'ready agents, e.g. "claude,codex": the first plans and codes, the second reviews')
    .option('--agent <command...>', 'the agent\'s command line, e.g. "my-agent {{prompt_file}}"')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { init } = await import('./init.ts');
      context.code = await init(terminal, command.optsWithGlobals<InitOptions>());
    });

  program
    .command('doctor')
    .description('what is missing on this machine, and the command that mends it')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { doctor } = await import('./doctor.ts');
      context.code = await doctor(terminal, command.optsWithGlobals<CommonOptions>());
    });

  program
    .command('trust')
    .description('what changed in agent and policy notes since it was confirmed; confirm it')
    .option('--all', 'confirm everything without asking')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { trust } = await import('./trust.ts');
      context.code = await trust(terminal, command.optsWithGlobals<CommonOptions & { readonly all?: boolean }>());
    });

  program
    .command('run')
    .description('one feature request in the foreground, up to its next gate')
    .argument('<fr>', 'its id, e.g. FR-012')
    .option('--approve', 'answer every gate with yes')
    .option('--again', 'a new job, superseding the unfinished one and its pull request')
    .addOption(jsonOption())
    .action(async (featureRequest: string, _given: unknown, command: Command) => {
      const { run } = await import('./run.ts');
      context.code = await run(terminal, featureRequest, command.optsWithGlobals<RunOptions>());
    });

  program
    .command('ask')
    .description('one prompt to an agent or a model, without a job')
    .argument('<prompt>')
    .option('--agent <name>', 'an agent note (default: the one that would plan)')
    .option('--model <endpoint/model>', 'a model by itself, e.g. anthropic/claude-sonnet-4-5')
    .addOption(jsonOption())
    .action(async (prompt: string, _given: unknown, command: Command) => {
      const { askAgentOrModel } = await import('./ask-agent.ts');
      context.code = await askAgentOrModel(terminal, prompt, command.optsWithGlobals<AskOptions>());
    });

  program
    .command('agents')
    .description('which agents there are, what they need here, and whether they answer')
    .option('--try [agent]', 'ask all of them, or the named one, one small question')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { agents } = await import('./agents.ts');
      context.code = await agents(terminal, command.optsWithGlobals<AgentsOptions>());
    });

  program
    .command('serve')
    .description('the service: finds work in the vault by itself until it is stopped')
    .action(async (_given: unknown, command: Command) => {
      const { serve } = await import('./serve.ts');
      context.code = await serve(terminal, command.optsWithGlobals<CommonOptions>());
    });

  program
    .command('status')
    .description('what runs, what waits and for what, what ended and how')
    .option('--watch', 'again and again, until Ctrl-C')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { status } = await import('./status.ts');
      context.code = await status(terminal, {
        json: false,
        ...command.optsWithGlobals<CommonOptions & { readonly watch?: boolean }>(),
      });
    });

  const decisions = [
    ['approve', 'let the job go on: merge what was shown'],
    ['changes', 'send the job back to code, with a comment'],
    ['reject', 'close the pull request and end the job'],
  ] as const;
  for (const [kind, description] of decisions) {
    program
      .command(kind)
      .description(description)
      .argument('<fr>', 'the request, or its job')
      .option('--comment <text>', 'kept with the decision')
      .addOption(jsonOption())
      .action(async (name: string, _given: unknown, command: Command) => {
        const { decide } = await import('./decide.ts');
        context.code = await decide(terminal, kind, name, command.optsWithGlobals<DecideOptions>());
      });
  }

  program
    .command('answer')
    .description('answer what the agent of a job asked')
    .argument('<fr>', 'the request, or its job')
    .requiredOption('--comment <text>', 'the answer')
    .addOption(jsonOption())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { answer } = await import('./answer.ts');
      context.code = await answer(terminal, name, command.optsWithGlobals<DecideOptions>());
    });

  program
    .command('metrics')
    .description('what models took and cost, by agent and model, and how full subscriptions are')
    .addOption(new Option('--by <what>', 'one line for each of them').choices(['day', 'agent', 'model', 'job']))
    .addOption(new Option('--days <number>', 'of the last so many days').argParser(wholeNumber))
    .option('--job <job>', 'of one job')
    .addOption(jsonOption())
    .action(async (_given: unknown, command: Command) => {
      const { usage } = await import('./usage.ts');
      context.code = usage(terminal, command.optsWithGlobals<UsageOptions>());
    });

  addFeatureRequestCommands(program, context);
  addJobCommands(program, context);
  addControlCommands(program, context);
  addVaultCommands(program, context);
  addBackupCommands(program, context);
  addDeviceCommands(program, context);
  addServiceCommands(program, context);

  try {
    await program.parseAsync([...args], { from: 'user' });
    return context.code;
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return endOfParsing(thrown, args, program, terminal);
  }
}

/** Help and version end the parsing as well; everything else it says is about wrong arguments. */
function endOfParsing(ended: CommanderError, args: readonly string[], program: Command, terminal: Terminal): number {
  if (ended.exitCode === 0) return 0;
  const named = namedCommand(program, args);
  if (ended.code === 'commander.help') {
    terminal.err(named.command.helpInformation().trimEnd());
    return 2;
  }
  const sentence = ended.message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*\(/, '. ')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/[()]/g, '');
  const message = `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`;
  throw new OpusError('config.usage', /[.?!]$/.test(message) ? message : `${message}.`, {
    hint: `${[programName(terminal), ...named.path].join(' ')} --help`,
  });
}

/** As far down as the words name commands. */
function namedCommand(
  program: Command,
  args: readonly string[],
): { readonly command: Command; readonly path: string[] } {
  let command = program;
  const path: string[] = [];
  for (const word of args) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (!next) continue;
    command = next;
    path.push(word);
  }
  return { command, path };
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
