import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MalformedJson, type AgentReport, type AgentRequest } from '../../core/ports/agent.ts';
import type { Mount } from '../../core/ports/sandbox.ts';
import { agentOf } from './command-failures.ts';
import { readHostileFile } from './result-file.ts';

export const emptyReport: AgentReport = { durationMs: 0, exitCode: null, tail: '', refusedHosts: [], session: null };

/** Files of one attempt, the same for every agent that runs as a program. */
export interface AttemptPaths {
  readonly prompt: string;
  readonly plan: string;
  /** All that the agent may write to beside its tree. */
  readonly work: string;
  readonly result: string;
  readonly out: string;
}

/** `closing` follows the prompt, for what an agent is told of these files. */
export async function writeAttemptFiles(
  request: AgentRequest,
  closing: (paths: AttemptPaths) => string = () => '',
): Promise<AttemptPaths> {
  const folder = request.attemptFolder;
  const paths = {
    prompt: join(folder, 'prompt.md'),
    plan: join(folder, 'plan.md'),
    work: join(folder, 'work'),
    result: join(folder, 'work', 'result.json'),
    out: join(folder, 'work', 'out'),
  };
  await mkdir(paths.out, { recursive: true });
  await writeFile(paths.prompt, request.prompt + closing(paths));
  if (request.plan !== null) await writeFile(paths.plan, request.plan);
  return paths;
}

/** What an agent has in its environment: what its note passes through from the runner's, and the OPUS_* of the contract. */
export function contractEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  request: AgentRequest,
  paths: AttemptPaths,
): Record<string, string> {
  const passed = request.profile.env.flatMap((name) => {
    const value = environment[name];
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

/** The tree as the stage sees it, the attempt's files, and what the note reads beside them; `home` is `~` there. */
export function contractMounts(home: string, request: AgentRequest, paths: AttemptPaths): Mount[] {
  const [tree, ...cover] = request.tree.mounts;
  const reads = request.profile.reads.map((path): Mount => ({
    source: path.startsWith('~/') ? join(home, path.slice(2)) : path,
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
export async function readResult(request: AgentRequest, paths: AttemptPaths): Promise<unknown> {
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
