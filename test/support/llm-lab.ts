import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createLlmDriver, type LlmDriverOptions } from '../../runner/adapters/agents/llm/llm-driver.ts';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import type { AgentOutcome, AgentProfile, AgentRequest } from '../../runner/core/ports/agent.ts';
import type { GatewayAccess, ModelProtocol } from '../../runner/core/ports/gateway.ts';
import { defaultSandboxLimits } from '../../runner/core/ports/sandbox.ts';
import type { AgentEvent } from '../../shared/domain/agent-event.ts';

export const protocols: Readonly<Record<string, { readonly protocol: ModelProtocol }>> = {
  anthropic: { protocol: 'anthropic' },
  openai: { protocol: 'openai' },
  google: { protocol: 'google' },
  house: { protocol: 'openai-compatible' },
};

export interface LlmRun {
  readonly outcome: AgentOutcome;
  readonly events: readonly AgentEvent[];
}

/** One job's tree and one driver: each `run` is an attempt. */
export function llmLab(folder: string, options: Partial<LlmDriverOptions> = {}) {
  const tree = join(folder, 'tree');
  mkdirSync(tree, { recursive: true });
  const driver = createLlmDriver({
    sandbox: createBubblewrapSandbox({ watchMs: 50 }),
    endpoints: () => protocols,
    environment: { CI: 'yes', SECRET: 'hunter2' },
    home: '/home/nobody',
    retryMs: 1,
    ...options,
  });
  let count = 0;
  return {
    tree,
    async run(
      gateway: GatewayAccess | null,
      more: Partial<AgentRequest> = {},
      profile: Partial<AgentProfile> = {},
    ): Promise<LlmRun> {
      const attemptFolder = join(folder, 'attempts', String((count += 1)));
      mkdirSync(attemptFolder, { recursive: true });
      const events: AgentEvent[] = [];
      const outcome = await driver.run({
        profile: {
          ...{
            name: 'planner',
            path: '00_system/opus/agents/planner.md',
            stages: ['code'],
            driver: 'llm',
            command: [],
          },
          ...{ model: null, timeoutMs: null, stallMs: null, concurrency: null, endpoints: [], reads: [], network: [] },
          ...{ env: ['CI'], skills: [], constraints: '', match: null, template: '' },
          ...profile,
        },
        ...{ job: 'FR-1-1', featureRequest: 'FR-1', stage: 'code', attempt: count, round: 0, prompt: 'Do it.' },
        model: 'house/small',
        tree: {
          ...{ path: tree, commit: 'c', repository: { name: 'app', url: '/x' }, job: 'FR-1-1' },
          mounts: [{ source: tree, mode: 'read-write' }],
        },
        ...{ treeMode: 'read-write', attemptFolder, stateFolder: join(folder, 'state'), plan: null },
        logFile: join(attemptFolder, 'log'),
        ...{ timeoutMs: 60_000, stallMs: 60_000, limits: defaultSandboxLimits, hidden: [] },
        ...{ signal: new AbortController().signal, session: null, gateway },
        onEvent: (event) => {
          events.push(event);
        },
        ...more,
      });
      return { outcome, events };
    },
  };
}
