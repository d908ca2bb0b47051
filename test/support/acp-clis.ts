import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAcpDriver } from '../../runner/adapters/agents/acp/acp-driver.ts';
import { createGateway } from '../../runner/adapters/gateway/create-gateway.ts';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import { loadConfig } from '../../runner/config/load.ts';
import type { GatewayAccess, ModelProtocol } from '../../runner/core/ports/gateway.ts';
import type { Sandbox } from '../../runner/core/ports/sandbox.ts';
import type { CliName } from './agent-clis.ts';
import type { CliModels } from './cli-models.ts';
import { driverLab, type DriverLab } from './driver-lab.ts';

export type AcpName = 'claude-acp' | 'gemini-acp' | 'opencode-acp' | 'qwen-acp';

interface AcpCli {
  readonly cli: CliName;
  readonly arguments: readonly string[];
  /** Set by its command; placeholders are filled in. */
  readonly environment: Readonly<Record<string, string>>;
  readonly model: string;
  /** The name under `models` in opus.yml. */
  readonly endpoint: string;
}

const openCodeConfig = JSON.stringify({
  provider: {
    opus: {
      npm: '@ai-sdk/openai-compatible',
      options: { baseURL: '{{model_url}}/v1', apiKey: '{{model_key}}' },
      models: { scripted: { limit: { context: 200_000, output: 32_000 } } },
    },
  },
  enabled_providers: ['opus'],
  model: 'opus/scripted',
  small_model: 'opus/scripted',
  share: 'disabled',
  autoupdate: false,
});

/** Agents that speak ACP, each as its note would name it. */
export const acpClis: Readonly<Record<AcpName, AcpCli>> = {
  'claude-acp': {
    cli: 'claude-agent-acp',
    arguments: [],
    environment: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', IS_SANDBOX: '1' },
    model: 'claude-sonnet-4-5',
    endpoint: 'anthropic',
  },
  'gemini-acp': {
    cli: 'gemini',
    arguments: ['--acp', '--skip-trust'],
    environment: { GEMINI_CLI_NO_RELAUNCH: 'true' },
    model: 'gemini-2.5-pro',
    endpoint: 'google',
  },
  'opencode-acp': {
    cli: 'opencode',
    arguments: ['acp'],
    environment: {
      OPENCODE_CONFIG_CONTENT: openCodeConfig,
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    },
    model: 'mock/scripted',
    endpoint: 'mock',
  },
  'qwen-acp': {
    cli: 'qwen',
    arguments: ['--acp', '--auth-type', 'openai'],
    environment: {},
    model: 'mock/scripted',
    endpoint: 'mock',
  },
};

export const acpNames = Object.keys(acpClis) as readonly AcpName[];

/** `command` of its note. A script of Node's is run by this Node: the system's may be too old for it. */
export function acpCommand(name: AcpName, programPath: string): string[] {
  const { arguments: words, environment } = acpClis[name];
  const path = realpathSync(programPath);
  const isScript = readFileSync(path).subarray(0, 64).toString('latin1').startsWith('#!/usr/bin/env node');
  const variables = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
  return ['env', ...variables, ...(isScript ? [process.execPath, path] : [path]), ...words];
}

const protocols: Readonly<Record<string, ModelProtocol>> = { anthropic: 'anthropic', google: 'google' };

/** The ACP driver with one of them, and the gateway itself between it and the models. */
export function acpCliLab(
  folder: string,
  name: AcpName,
  programPath: string,
  options: { readonly sandbox?: Sandbox; readonly refusalGraceMs?: number } = {},
): DriverLab {
  const { model, endpoint } = acpClis[name];
  const driver = createAcpDriver({
    sandbox: options.sandbox ?? createBubblewrapSandbox({ watchMs: 50 }),
    configFolder: '/config',
    environment: {},
    home: '/home/nobody',
    protocolOf: (known) => protocols[known] ?? 'openai-compatible',
    graceMs: 5_000,
    refusalGraceMs: options.refusalGraceMs ?? 5_000,
  });
  return driverLab(folder, {
    driver,
    profile: { driver: 'acp', command: acpCommand(name, programPath), endpoints: [endpoint] },
    model,
    reach: (models) => openGateway(folder, models, endpoint),
  });
}

async function openGateway(folder: string, models: CliModels, endpoint: string): Promise<GatewayAccess> {
  const file = join(folder, 'opus.yml');
  const url = `${models.url}${endpoint in protocols ? '' : '/v1'}`;
  const repository = 'app: { url: ./app.git, base: main, forge: local }';
  writeFileSync(
    file,
    `vault: { path: ./vault }\nrepos: { ${repository} }\nmodels: { ${endpoint}: { url: "${url}", key: env:KEY } }\n`,
  );
  const quiet = (): void => undefined;
  const gateway = createGateway({
    models: loadConfig(file).models,
    resolveSecret: () => 'sk-scripted-key',
    clock: { now: Date.now },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  const access = await gateway.open({
    job: 'FR-1-1',
    attempt: 'attempt-1',
    agent: 'coder',
    endpoints: [endpoint],
    left: () => ({ tokens: null, dollars: null }),
    onUsage: quiet,
    onRefused: quiet,
  });
  return { ...access, close: () => gateway.close() };
}
