import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { claude } from '../../runner/adapters/agents/native/claude.ts';
import { codex } from '../../runner/adapters/agents/native/codex.ts';
import { gemini } from '../../runner/adapters/agents/native/gemini.ts';
import type { NativeCli, NativeKind } from '../../runner/adapters/agents/native/native-cli.ts';
import { createNativeDriver } from '../../runner/adapters/agents/native/native-driver.ts';
import { opencode } from '../../runner/adapters/agents/native/opencode.ts';
import { createGateway } from '../../runner/adapters/gateway/create-gateway.ts';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import type { AgentDriver, AgentRequest } from '../../runner/core/ports/agent.ts';
import type { Gateway, GatewayAccess, ModelProtocol } from '../../runner/core/ports/gateway.ts';
import { driverLab } from '../support/driver-lab.ts';

const clis: Readonly<Record<NativeKind, NativeCli>> = { claude, codex, opencode, gemini };

const ways: Readonly<Record<NativeKind, { readonly endpoint: string; readonly model: string }>> = {
  claude: { endpoint: 'anthropic', model: 'claude-sonnet-4-5' },
  codex: { endpoint: 'openai', model: 'gpt-5' },
  opencode: { endpoint: 'mock', model: 'mock/scripted' },
  gemini: { endpoint: 'google', model: 'gemini-2.5-pro' },
};

/** The real gateway, in front of models at this address. */
export function benchGateway(url: string): Gateway {
  const model = (protocol: ModelProtocol, path: string) => {
    const key = { kind: 'env', name: 'KEY' } as const;
    return { key, url: url + path, protocol, subscription: false, window: null, prices: {} };
  };
  const quiet = (): void => undefined;
  return createGateway({
    models: {
      anthropic: model('anthropic', ''),
      openai: model('openai', '/v1'),
      google: model('google', ''),
      mock: model('openai-compatible', '/v1'),
    },
    resolveSecret: () => 'the-key-of-the-benchmark-0123456789',
    clock: { now: Date.now },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
}

export function openWay(gateway: Gateway, endpoint: string): Promise<GatewayAccess> {
  return gateway.open({
    ...{ job: 'FR-1-1', attempt: 'attempt-1', agent: 'coder', endpoints: [endpoint] },
    ...{ left: () => ({ tokens: null, dollars: null }), onUsage: () => undefined, onRefused: () => undefined },
  });
}

/** One CLI with one task: by itself, and as the runner drives it. Both reject when it does not end well. */
export function agentLab(folder: string, kind: NativeKind, program: string, url: string) {
  const { endpoint, model } = ways[kind];
  const bare: AgentDriver = { run: (request) => runBare(clis[kind], program, request, `${url}/${endpoint}`) };
  const driven = createNativeDriver({
    kind,
    sandbox: createBubblewrapSandbox(),
    installed: () => ({ path: program, version: '' }),
    environment: {},
    home: '/home/nobody',
  });
  const gateway = benchGateway(url);
  const labOf = (name: string, driver: AgentDriver) =>
    driverLab(join(folder, name), {
      ...{ driver, profile: { driver: kind }, model },
      reach: () => openWay(gateway, endpoint),
    });
  const labs = { bare: labOf('bare', bare), driven: labOf('driven', driven) };
  const run = async (name: keyof typeof labs): Promise<void> => {
    const access = await openWay(gateway, endpoint);
    try {
      const { outcome, output } = await labs[name].run({ gateway: access });
      if (outcome.kind !== 'finished') throw new Error(`${kind}, ${name}: ${JSON.stringify(outcome)} ${output}`);
    } finally {
      await access.close();
    }
  };
  return { bare: () => run('bare'), driven: () => run('driven'), close: () => gateway.close() };
}

/** The same arguments and settings, without a sandbox, and with the models' own address. */
async function runBare(cli: NativeCli, program: string, request: AgentRequest, baseUrl: string) {
  const home = join(request.attemptFolder, 'home');
  const work = join(request.attemptFolder, 'work');
  const prompt = join(request.attemptFolder, 'prompt.md');
  mkdirSync(join(home, cli.conversations), { recursive: true });
  mkdirSync(work);
  writeFileSync(prompt, request.prompt);
  const way = { endpoint: ways[cli.kind].endpoint, baseUrl, key: 'opus-gateway' };
  const invocation = cli.invocation({ request, session: null, model: way, home, work });
  for (const [name, text] of Object.entries(invocation.files ?? {})) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }
  const input = openSync(prompt, 'r');
  const began = performance.now();
  const child = spawn(program, invocation.args, {
    cwd: request.tree.path,
    env: {
      ...{ PATH: process.env['PATH'] ?? '', HOME: home, LANG: 'C.UTF-8', TERM: 'dumb' },
      ...{ OPUS_RESULT_FILE: join(work, 'result.json'), ...invocation.env },
    },
    stdio: [input, 'pipe', 'pipe'],
  });
  closeSync(input);
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (tail = `${tail}${String(chunk)}`.slice(-2_000)));
  }
  const [exitCode] = (await once(child, 'close')) as [number | null];
  if (exitCode !== 0) throw new Error(`${cli.title} by itself ended with ${exitCode}: ${tail}`);
  const durationMs = performance.now() - began;
  return {
    kind: 'finished',
    result: null,
    report: { durationMs, exitCode, tail, refusedHosts: [], session: null },
  } as const;
}
