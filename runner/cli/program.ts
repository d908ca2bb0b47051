import { OpusError } from '#shared/domain/errors.ts';
import { stages, type Stage } from '#shared/domain/stage.ts';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { DecideOptions } from './decide.ts';
import type { DemoOptions } from './demo.ts';
import type { InitOptions } from './init-answers.ts';
import { programName } from './program-name.ts';
import { packageVersion } from './package-root.ts';
import type { RunOptions } from './run.ts';
import type { Terminal } from './terminal.ts';

interface Common {
  readonly config?: string;
  readonly json?: boolean;
}

/** Every command with its options. What a command needs is loaded when it is called. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  let code = 0;
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
  const json = (): Option => new Option('--json', 'one JSON document on standard output');

  program
    .command('demo')
    .description('the example vault and repository, end to end')
    .option('--once', 'stop after the one run')
    .option('--dir <folder>', 'where the example is copied to (default: .opus-demo)')
    .addOption(json())
    .action(async (_given: unknown, command: Command) => {
      const { demo } = await import('./demo.ts');
      code = await demo(terminal, command.optsWithGlobals<DemoOptions>());
    });

  program
    .command('init')
    .description('write opus.yml, vault folders and agent notes; never overwrites')
    .option('--vault <folder>', 'the Obsidian vault')
    .option('--repo <name=url[@base]>', 'a repository; may be given again', collect, [])
    .option('--test <command>', 'decides whether a change works, e.g. "npm test"')
    .option('--agent <command...>', 'the agent\'s command line, e.g. "my-agent {{prompt_file}}"')
    .addOption(json())
    .action(async (_given: unknown, command: Command) => {
      const { init } = await import('./init.ts');
      code = await init(terminal, command.optsWithGlobals<InitOptions>());
    });

  program
    .command('doctor')
    .description('what is missing on this machine, and the command that mends it')
    .addOption(json())
    .action(async (_given: unknown, command: Command) => {
      const { doctor } = await import('./doctor.ts');
      code = await doctor(terminal, command.optsWithGlobals<Common>());
    });

  program
    .command('trust')
    .description('what changed in agent and policy notes since it was confirmed; confirm it')
    .option('--all', 'confirm everything without asking')
    .addOption(json())
    .action(async (_given: unknown, command: Command) => {
      const { trust } = await import('./trust.ts');
      code = await trust(terminal, command.optsWithGlobals<Common & { readonly all?: boolean }>());
    });

  program
    .command('run')
    .description('one feature request in the foreground, up to its next gate')
    .argument('<fr>', 'its id, e.g. FR-012')
    .option('--approve', 'answer every gate with yes')
    .option('--again', 'a new job, superseding the unfinished one and its pull request')
    .addOption(json())
    .action(async (featureRequest: string, _given: unknown, command: Command) => {
      const { run } = await import('./run.ts');
      code = await run(terminal, featureRequest, command.optsWithGlobals<RunOptions>());
    });

  program
    .command('status')
    .description('unfinished jobs and the last finished')
    .addOption(json())
    .action(async (_given: unknown, command: Command) => {
      const { status } = await import('./status.ts');
      code = await status(terminal, { json: false, ...command.optsWithGlobals<Common>() });
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
      .addOption(json())
      .action(async (name: string, _given: unknown, command: Command) => {
        const { decide } = await import('./decide.ts');
        code = await decide(terminal, kind, name, command.optsWithGlobals<DecideOptions>());
      });
  }

  const fr = program.command('fr').description('feature requests');
  fr.command('list')
    .description('every feature request of the vault')
    .addOption(json())
    .action(async (_given: unknown, command: Command) => {
      const { listFeatureRequests } = await import('./fr-list.ts');
      code = await listFeatureRequests(terminal, command.optsWithGlobals<Common>());
    });
  fr.command('show')
    .description('one feature request')
    .argument('<fr>', 'its id')
    .addOption(json())
    .action(async (id: string, _given: unknown, command: Command) => {
      const { showFeatureRequest } = await import('./fr-show.ts');
      code = await showFeatureRequest(terminal, id, command.optsWithGlobals<Common>());
    });
  fr.command('new')
    .description('write a new feature request')
    .argument('<title>', 'its title')
    .addOption(json())
    .action(async (title: string, _given: unknown, command: Command) => {
      const { newFeatureRequest } = await import('./fr-new.ts');
      code = await newFeatureRequest(terminal, title, command.optsWithGlobals<Common>());
    });
  fr.command('validate')
    .description('what is wrong with any note, and what to write instead')
    .addOption(json())
    .action(async (_given: unknown, command: Command) => {
      const { validate } = await import('./fr-validate.ts');
      code = await validate(terminal, command.optsWithGlobals<Common>());
    });

  const job = program.command('job').description('jobs, by their id or by their request for the newest');
  job
    .command('list')
    .description('every job, oldest first')
    .addOption(json())
    .action(async (_given: unknown, command: Command) => {
      const { listJobs } = await import('./job-list.ts');
      code = await listJobs(terminal, command.optsWithGlobals<Common>());
    });
  job
    .command('show')
    .description('one job, and what to do next')
    .argument('<job>')
    .addOption(json())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { showJob } = await import('./job-show.ts');
      code = await showJob(terminal, name, command.optsWithGlobals<Common>());
    });
  job
    .command('log')
    .description('what agents, set-up and tests printed')
    .argument('<job>')
    .addOption(new Option('--stage <stage>', 'one stage only').choices(stages))
    .addOption(new Option('--attempt <number>', 'one try of the stage only').argParser(wholeNumber))
    .addOption(json())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { jobLog } = await import('./job-log.ts');
      type Given = Common & { readonly stage?: Stage; readonly attempt?: number };
      code = await jobLog(terminal, name, command.optsWithGlobals<Given>());
    });
  job
    .command('diff')
    .description('the change')
    .argument('<job>')
    .addOption(json())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { jobDiff } = await import('./job-diff.ts');
      code = await jobDiff(terminal, name, command.optsWithGlobals<Common>());
    });
  job
    .command('retry')
    .description('go on with a job that needs a person')
    .argument('<job>')
    .addOption(new Option('--from <stage>', 'begin at this stage').choices(stages))
    .addOption(new Option('--rounds <number>', 'allow this many more fix rounds').argParser(wholeNumber))
    .option('--comment <text>', 'given to the next agent')
    .addOption(json())
    .action(async (name: string, _given: unknown, command: Command) => {
      const { retry } = await import('./job-retry.ts');
      type Given = Common & { readonly from?: Stage; readonly rounds?: number; readonly comment?: string };
      code = await retry(terminal, name, command.optsWithGlobals<Given>());
    });

  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
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

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
}
