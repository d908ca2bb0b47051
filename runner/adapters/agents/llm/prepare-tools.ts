import type { ToolSet } from 'ai';
import { OpusError } from '#shared/domain/errors.ts';
import type { AgentRequest } from '../../../core/ports/agent.ts';
import type { Sandbox } from '../../../core/ports/sandbox.ts';
import { contractEnvironment, contractMounts, writeAttemptFiles } from '../attempt-contract.ts';
import { createClosingTools, type Closing } from './closing-tools.ts';
import { allowedTools, createFileTools } from './file-tools.ts';
import type { RunClock } from './run-clock.ts';
import type { Telling } from './telling.ts';
import { createTreeFiles, type TreeFiles } from './tree-files.ts';

export interface ToolPlan {
  readonly sandbox: Sandbox;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly request: AgentRequest;
  readonly clock: RunClock;
  readonly telling: Telling;
}

export interface PreparedTools {
  readonly names: readonly string[];
  readonly tools: ToolSet;
  readonly closing: Closing;
  refusedHosts(): readonly string[];
  /** What keeps tools from working at all; no matter for the model. */
  broken(): OpusError | null;
}

/** The tools of one run, each a run of the sandbox of its own. */
export async function prepareTools(plan: ToolPlan): Promise<PreparedTools> {
  const { request, clock, telling } = plan;
  const names = allowedTools(request);
  const paths = await writeAttemptFiles(request);
  const refused = new Set<string>();
  let broken: OpusError | null = null;
  const files = createTreeFiles({
    sandbox: plan.sandbox,
    request,
    env: contractEnvironment(plan.environment, request, paths),
    mounts: contractMounts(plan.home, request, paths),
    signal: clock.signal,
    onOutput: () => {
      clock.touch();
    },
    onRefusedHosts: (hosts) => {
      for (const host of hosts) refused.add(host);
    },
  });
  const watched = watchedFiles(files, clock, (error) => {
    broken ??= error;
  });
  const all = createFileTools({
    files: watched,
    onChange: (path, change) => {
      telling.tell({ kind: 'file-change', path, change });
    },
  });
  const closing: Closing = { result: null, question: null };
  const offered = Object.entries(all).filter(([name]) => names.includes(name));
  return {
    names,
    tools: { ...Object.fromEntries(offered), ...createClosingTools(request.stage, closing) },
    closing,
    refusedHosts: () => [...refused],
    broken: () => broken,
  };
}

function watchedFiles(files: TreeFiles, clock: RunClock, onBroken: (error: OpusError) => void): TreeFiles {
  const watched = async <Result>(run: () => Promise<Result>): Promise<Result> => {
    try {
      return await clock.whileTool(run);
    } catch (thrown) {
      if (thrown instanceof OpusError) onBroken(thrown);
      throw thrown;
    }
  };
  return {
    read: (path) => watched(() => files.read(path)),
    write: (path, text) => watched(() => files.write(path, text)),
    list: (folder, pattern) => watched(() => files.list(folder, pattern)),
    search: (options) => watched(() => files.search(options)),
    command: (command, timeoutMs) => watched(() => files.command(command, timeoutMs)),
  };
}
