import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toOpusError } from '#shared/domain/errors.ts';
import type { AgentDriver, AgentOutcome, AgentReport } from '../../core/ports/agent.ts';
import type { Sandbox } from '../../core/ports/sandbox.ts';
import { contractEnvironment, contractMounts, emptyReport, readResult, writeAttemptFiles } from './attempt-contract.ts';
import { commandValues, fillCommand } from './command-line.ts';
import { withOwnLogin, type LoginParts } from './own-login.ts';
import { readQuestion } from './question-file.ts';
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

/** Runs any program that takes its task from a file or its arguments and leaves a JSON result. */
export function createCommandDriver(options: CommandDriverOptions): AgentDriver {
  return {
    async run(request) {
      try {
        return await withOwnLogin(options, request, (parts) => runCommand(options, parts));
      } catch (thrown) {
        const error = named(toOpusError(thrown), request);
        return { kind: 'failed', error: error.summary(), report: emptyReport };
      }
    },
  };
}

async function runCommand(
  options: CommandDriverOptions,
  { request, sandbox, login }: LoginParts,
): Promise<AgentOutcome> {
  const paths = await writeAttemptFiles(request);
  const home = login.isEmpty ? null : join(request.attemptFolder, 'home');
  if (home !== null) {
    await mkdir(home, { mode: 0o700 });
    await login.place(home);
  }
  const result = await sandbox.run({
    argv: fillCommand(request, commandValues(options.configFolder, request, paths)),
    cwd: request.tree.path,
    env: { ...contractEnvironment(options.environment, request, paths), ...(home === null ? {} : { HOME: home }) },
    mounts: [
      ...contractMounts(options.home, request, paths),
      ...(home === null ? [] : [{ source: home, mode: 'read-write' } as const]),
    ],
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
  const question = await readQuestion(request, paths);
  if (question !== null) return { kind: 'asked', question, report };
  const failure =
    endingError(request, result) ?? (await sentinelError(request, paths.out)) ?? exitError(request, result);
  if (failure) return { kind: 'failed', error: failure, report };
  const parsed = await readResult(request, paths);
  if (parsed === null && request.stage !== 'test') {
    return { kind: 'failed', error: noResult(request).summary(), report };
  }
  return { kind: 'finished', result: parsed, report };
}
