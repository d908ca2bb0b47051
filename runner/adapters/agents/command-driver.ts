import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import type { AgentDriver, AgentOutcome, AgentReport, AgentRequest } from '../../core/ports/agent.ts';
import type { Sandbox } from '../../core/ports/sandbox.ts';
import {
  contractEnvironment,
  contractMounts,
  emptyReport,
  readResult,
  writeAttemptFiles,
  type AttemptPaths,
} from './attempt-contract.ts';
import { endingError, exitError, named, noResult, sentinelError } from './command-failures.ts';

export interface CommandDriverOptions {
  readonly sandbox: Sandbox;
  /** The folder of opus.yml, for `{{config_dir}}`. */
  readonly configFolder: string;
  /** The runner's environment, from which `env:` of an agent note passes names through. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `~` in `reads`. */
  readonly home: string;
}

/** Linux refuses one argument beyond 128 kB; a prompt that long goes by file. */
const longestArgument = 120_000;

/** Runs any program that takes its task from a file or its arguments and leaves a JSON result. */
export function createCommandDriver(options: CommandDriverOptions): AgentDriver {
  return {
    async run(request) {
      try {
        return await runCommand(options, request);
      } catch (thrown) {
        const error = named(toOpusError(thrown), request);
        return { kind: 'failed', error: error.summary(), report: emptyReport };
      }
    },
  };
}

async function runCommand(options: CommandDriverOptions, request: AgentRequest): Promise<AgentOutcome> {
  const paths = await writeAttemptFiles(request);
  const result = await options.sandbox.run({
    argv: fillCommand(options, request, paths),
    cwd: request.tree.path,
    env: contractEnvironment(options.environment, request, paths),
    mounts: contractMounts(options.home, request, paths),
    hidden: request.hidden,
    network: request.profile.network,
    limits: request.limits,
    timeoutMs: request.timeoutMs,
    stallMs: request.stallMs,
    signal: request.signal,
    logFile: request.logFile,
    ...(request.onOutput ? { onOutput: request.onOutput } : {}),
  });
  const report: AgentReport = {
    durationMs: result.durationMs,
    exitCode: result.exitCode,
    tail: result.tail,
    refusedHosts: result.refusedHosts,
    session: null,
  };
  if (result.ending === 'aborted') return { kind: 'canceled', report };
  const failure =
    endingError(request, result) ?? (await sentinelError(request, paths.out)) ?? exitError(request, result);
  if (failure) return { kind: 'failed', error: failure, report };
  const parsed = await readResult(request, paths);
  if (parsed === null && request.stage !== 'test') {
    return { kind: 'failed', error: noResult(request).summary(), report };
  }
  return { kind: 'finished', result: parsed, report };
}

function fillCommand(options: CommandDriverOptions, request: AgentRequest, paths: AttemptPaths): [string, ...string[]] {
  const values: Readonly<Record<string, string>> = {
    prompt_file: paths.prompt,
    prompt: request.prompt,
    worktree: request.tree.path,
    stage: request.stage,
    job: request.job,
    model: request.model,
    config_dir: options.configFolder,
  };
  const argv = request.profile.command.map((part) =>
    part.replace(/\{\{\s*([a-z_]+)\s*\}\}/g, (whole, name: string) => {
      const value = values[name];
      if (value === undefined) {
        throw new OpusError(
          'vault.agent-invalid',
          `${request.profile.path}: the command uses ${whole}, which is not a placeholder.`,
          {
            hint: `Use one of ${Object.keys(values)
              .map((known) => `{{${known}}}`)
              .join(' ')}.`,
          },
        );
      }
      return value;
    }),
  );
  const tooLong = argv.find((part) => Buffer.byteLength(part) > longestArgument);
  if (tooLong !== undefined) {
    throw new OpusError(
      'vault.agent-invalid',
      `The prompt of ${request.job} is too long for one argument of ${request.profile.name}'s command.`,
      {
        hint: `Use {{prompt_file}} instead of {{prompt}} in ${request.profile.path}.`,
      },
    );
  }
  const [program, ...rest] = argv;
  if (program === undefined || program === '') {
    throw new OpusError('vault.agent-invalid', `${request.profile.path} names no command.`, {
      hint: 'Write command: [program, "{{prompt_file}}"].',
    });
  }
  return [program, ...rest];
}
