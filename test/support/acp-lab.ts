import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentEvent } from '#shared/domain/agent-event.ts';
import { createAcpDriver } from '../../runner/adapters/agents/acp/acp-driver.ts';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import { createUnconfinedSandbox } from '../../runner/adapters/sandbox/unconfined.ts';
import type { AgentProfile, AgentRequest } from '../../runner/core/ports/agent.ts';
import type { GatewayAccess, GatewayRefusal } from '../../runner/core/ports/gateway.ts';
import { defaultSandboxLimits, type Sandbox } from '../../runner/core/ports/sandbox.ts';
import type { AgentScript, AgentStep } from './acp-agent.ts';
import { temporaryFolder } from './sandbox-runs.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const acpAgentFile = join(root, 'test/support/acp-agent.ts');
const libraries = ['@agentclientprotocol', 'zod'].map((name) => join(root, 'node_modules', name));
export const bubblewrap = createBubblewrapSandbox({ watchMs: 50 });
export const unconfined = createUnconfinedSandbox({ reason: 'a test', hint: 'none', watchMs: 50 });

export interface AcpRunOptions {
  readonly sandbox?: Sandbox;
  readonly profile?: Partial<AgentProfile>;
  readonly request?: Partial<AgentRequest>;
  /** Of an earlier run: its tree, its state. */
  readonly folder?: string;
  readonly onEvent?: (event: AgentEvent) => void;
  readonly home?: string;
  readonly graceMs?: number;
  readonly refusalGraceMs?: number;
}

/** One run of the driver with the scripted agent. */
export async function runAcpAgent(script: AgentScript, options: AcpRunOptions = {}) {
  const folder = options.folder ?? temporaryFolder('acp-');
  const tree = join(folder, 'tree');
  const attemptFolder = join(folder, `attempt-${Math.random().toString(36).slice(2)}`);
  const stateFolder = join(folder, 'state');
  for (const path of [tree, attemptFolder, stateFolder]) mkdirSync(path, { recursive: true });
  const events: AgentEvent[] = [];
  const driver = createAcpDriver({
    sandbox: options.sandbox ?? bubblewrap,
    configFolder: '/config',
    environment: { CI: 'yes', SECRET: 'hunter2' },
    home: options.home ?? '/home/nobody',
    protocolOf: (endpoint) =>
      (({ anthropic: 'anthropic', google: 'google', house: 'openai-compatible' }) as const)[endpoint] ?? null,
    graceMs: options.graceMs ?? 5_000,
    refusalGraceMs: options.refusalGraceMs ?? 20_000,
  });
  const logFile = join(attemptFolder, 'log');
  const outcome = await driver.run({
    profile: {
      name: 'scripted',
      path: '00_system/opus/agents/scripted.md',
      stages: ['code'],
      driver: 'acp',
      command: [process.execPath, acpAgentFile, JSON.stringify(script)],
      model: null,
      timeoutMs: null,
      stallMs: null,
      endpoints: [],
      concurrency: null,
      reads: libraries,
      network: [],
      env: ['CI'],
      skills: [],
      constraints: '',
      match: null,
      template: '',
      ...options.profile,
    },
    job: 'FR-1-1',
    featureRequest: 'FR-1',
    stage: 'code',
    attempt: 1,
    round: 0,
    prompt: 'do it',
    model: '',
    tree: {
      path: tree,
      commit: 'c',
      repository: { name: 'app', url: '/x' },
      job: 'FR-1-1',
      mounts: [{ source: tree, mode: 'read-write' }],
    },
    treeMode: 'read-write',
    attemptFolder,
    stateFolder,
    plan: null,
    logFile,
    timeoutMs: 30_000,
    stallMs: 30_000,
    limits: defaultSandboxLimits,
    hidden: [],
    signal: new AbortController().signal,
    session: null,
    gateway: null,
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
    ...options.request,
  });
  const log = existsSync(logFile) ? readFileSync(logFile, 'utf8') : '';
  const said = events.flatMap((event) => (event.kind === 'text' ? [event.text] : [])).join('\n');
  return { outcome, events, log, said, folder, tree };
}

export function failureOf({ outcome }: { outcome: Awaited<ReturnType<typeof runAcpAgent>>['outcome'] }): string {
  return outcome.kind === 'failed' ? `${outcome.error.code}: ${outcome.error.message}` : outcome.kind;
}

export const summary: AgentStep = { result: { summary: 'done' } };

export function gatewayWith(refusal: GatewayRefusal | null): GatewayAccess {
  const socketPath = join(temporaryFolder('gw-'), 'model.sock');
  writeFileSync(socketPath, '');
  return {
    socketPath,
    pathOf: (endpoint) => `/${endpoint}`,
    refusal: () => refusal,
    close: () => Promise.resolve(),
  };
}
