import { createCommandDriver } from './adapters/agents/command-driver.ts';
import type { LlmDriverOptions } from './adapters/agents/llm/llm-driver.ts';
import type { RunnerConfig } from './core/configuration.ts';
import type { AgentDriver } from './core/ports/agent.ts';
import type { Sandbox } from './core/ports/sandbox.ts';

export interface DriverParts {
  readonly sandbox: Sandbox;
  /** The configuration in force at each moment. */
  readonly config: () => RunnerConfig;
  /** The runner's, from which `env:` of agent notes passes names through. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** Every way to run an agent, by its name in agent notes. */
export function createDrivers({ config, ...parts }: DriverParts): ReadonlyMap<string, AgentDriver> {
  return new Map<string, AgentDriver>([
    ['command', createCommandDriver({ ...parts, configFolder: config().folder })],
    ['llm', lazyLlmDriver({ ...parts, endpoints: () => config().models })],
  ]);
}

/** The SDK takes memory and time that a runner without such agents would spend for nothing. */
function lazyLlmDriver(options: LlmDriverOptions): AgentDriver {
  return {
    run: async (request) => {
      const { createLlmDriver } = await import('./adapters/agents/llm/llm-driver.ts');
      return createLlmDriver(options).run(request);
    },
  };
}
