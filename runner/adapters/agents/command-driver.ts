import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import {
  MalformedJson,
  type AgentDriver,
  type AgentOutcome,
  type AgentReport,
  type AgentRequest,
} from '../../core/ports/agent.ts';
import type { Mount, Sandbox } from '../../core/ports/sandbox.ts';
import { agentOf, endingError, exitError, named, noResult, sentinelError } from './command-failures.ts';
import { readHostileFile } from './result-file.ts';

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

const emptyReport: AgentReport = { durationMs: 0, exitCode: null, tail: '', refusedHosts: [], session: null };

interface AttemptPaths {
  readonly prompt: string;
  readonly plan: string;
  readonly work: string;
  readonly result: string;
  readonly out: string;
}

async function runCommand(options: CommandDriverOptions, request: AgentRequest): Promise<AgentOutcome> {
  const paths = await writeAttemptFiles(request);
  const result = await options.sandbox.run({
    argv: fillCommand(options, request, paths),
    cwd: request.tree.path,
    env: environmentOf(options, request, paths),
    mounts: mountsOf(options, request, paths),
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

async function writeAttemptFiles(request: AgentRequest): Promise<AttemptPaths> {
  const folder = request.attemptFolder;
  const paths = {
    prompt: join(folder, 'prompt.md'),
    plan: join(folder, 'plan.md'),
    work: join(folder, 'work'),
    result: join(folder, 'work', 'result.json'),
    out: join(folder, 'work', 'out'),
  };
  await mkdir(paths.out, { recursive: true });
  await writeFile(paths.prompt, request.prompt);
  if (request.plan !== null) await writeFile(paths.plan, request.plan);
  return paths;
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

function environmentOf(
  options: CommandDriverOptions,
  request: AgentRequest,
  paths: AttemptPaths,
): Record<string, string> {
  const passed = request.profile.env.flatMap((name) => {
    const value = options.environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    ...Object.fromEntries(passed),
    OPUS_JOB_ID: request.job,
    OPUS_FR_ID: request.featureRequest,
    OPUS_STAGE: request.stage,
    OPUS_ATTEMPT: String(request.attempt),
    OPUS_ROUND: String(request.round),
    OPUS_PROMPT_FILE: paths.prompt,
    OPUS_RESULT_FILE: paths.result,
    OPUS_OUT_DIR: paths.out,
    ...(request.plan === null ? {} : { OPUS_PLAN_FILE: paths.plan }),
  };
}

function mountsOf(options: CommandDriverOptions, request: AgentRequest, paths: AttemptPaths): Mount[] {
  const [tree, ...cover] = request.tree.mounts;
  const reads = request.profile.reads.map((path): Mount => ({
    source: path.startsWith('~/') ? join(options.home, path.slice(2)) : path,
    mode: 'read-only',
  }));
  return [
    ...reads,
    ...(tree ? [{ ...tree, mode: request.treeMode }] : []),
    ...cover,
    { source: paths.prompt, mode: 'read-only' },
    ...(request.plan === null ? [] : [{ source: paths.plan, mode: 'read-only' } as const]),
    { source: paths.work, mode: 'read-write' },
  ];
}

/** An agent that speaks by sentinel files may leave its result in `done` instead. */
async function readResult(request: AgentRequest, paths: AttemptPaths): Promise<unknown> {
  const text =
    (await readHostileFile(paths.result, `result file of the ${agentOf(request)}`)) ??
    (await readHostileFile(join(paths.out, 'done'), `done sentinel of the ${agentOf(request)}`));
  if (text === null || text.trim() === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    return new MalformedJson(`it is not JSON: ${(thrown as Error).message.slice(0, 200)}`);
  }
}
