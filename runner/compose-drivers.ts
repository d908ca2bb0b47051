import { createCommandDriver } from './adapters/agents/command-driver.ts';
import type { AcpDriverOptions } from './adapters/agents/acp/acp-driver.ts';
import type { LlmDriverOptions } from './adapters/agents/llm/llm-driver.ts';
import type { RunnerConfig } from './core/configuration.ts';
import type { AgentDriver } from './core/ports/agent.ts';
import type { Sandbox } from './core/ports/sandbox.ts';
import { findProgram as programOnPath } from './adapters/sandbox/program-lookup.ts';

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
  const natives = nativeKinds.map((kind) => [kind, lazyNativeDriver(kind, parts)] as const);
  const protocolOf = (endpoint: string) => config().models[endpoint]?.protocol ?? null;
  return new Map<string, AgentDriver>([
    ...natives,
    ['acp', lazyAcpDriver({ ...parts, configFolder: config().folder, protocolOf })],
    ['command', createCommandDriver({ ...parts, configFolder: config().folder })],
    ['llm', lazyLlmDriver({ ...parts, endpoints: () => config().models })],
  ]);
}

const nativeKinds = ['claude', 'codex', 'opencode', 'gemini'] as const;

function lazyNativeDriver(kind: (typeof nativeKinds)[number], parts: Omit<DriverParts, 'config'>): AgentDriver {
  return {
    run: async (request) => {
      const { createNativeDriver } = await import('./adapters/agents/native/native-driver.ts');
      const path = programOnPath(kind, parts.environment['PATH'] ?? '');
      const installed = () => (path === null ? null : { path, version: '' });
      return createNativeDriver({ ...parts, kind, installed }).run(request);
    },
  };
}

function lazyAcpDriver(options: AcpDriverOptions): AgentDriver {
  return {
    run: async (request) => {
      const { createAcpDriver } = await import('./adapters/agents/acp/acp-driver.ts');
      return createAcpDriver(options).run(request);
    },
  };
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
