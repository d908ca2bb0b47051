import { randomUUID } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { createGateway, type GatewayOptions } from '../../runner/adapters/gateway/create-gateway.ts';
import type { ModelConfig } from '../../runner/core/configuration.ts';
import type { Budget, Gateway, GatewayAccess, OpenGateway, UsageRecord } from '../../runner/core/ports/gateway.ts';
import type { Dialect } from './scripted-dialects.ts';
import { startScriptedModels, type ScriptedModels } from './scripted-models.ts';

/** Known to the gateway alone. */
export const canary = `sk-ant-canary-${randomUUID()}`;

export interface LoggedLine {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A gateway before one scripted provider, under the names of the vendors and as `house`. */
export interface GatewayLab {
  readonly provider: ScriptedModels;
  readonly gateway: Gateway;
  /** Of responses that have ended. */
  readonly records: UsageRecord[];
  /** Everything that was told of responses, the open ones too, as it was told. */
  readonly told: UsageRecord[];
  /** Responses that never were. */
  readonly refused: string[];
  readonly log: LoggedLine[];
  /** With a budget of its own, where one is named. */
  open(options?: Partial<OpenGateway> & { readonly budget?: Budget }): Promise<GatewayAccess>;
  close(): Promise<void>;
}

export interface GatewayLabOptions extends Partial<
  Pick<GatewayOptions, 'idleMs' | 'drainMs' | 'closeMs' | 'resolveSecret'>
> {
  readonly models?: Readonly<Record<string, Partial<ModelConfig>>>;
  readonly now?: () => number;
}

export const endpoints = ['anthropic', 'openai', 'google', 'house'] as const;

export async function openGatewayLab(options: GatewayLabOptions = {}): Promise<GatewayLab> {
  const provider = await startScriptedModels({ order: 'requests' });
  const records: UsageRecord[] = [];
  const told: UsageRecord[] = [];
  const refused: string[] = [];
  const log: LoggedLine[] = [];
  const write = (fields: LoggedLine['fields'], message: string): void => void log.push({ fields, message });
  const model = (protocol: ModelConfig['protocol'], path: string, more: Partial<ModelConfig> = {}): ModelConfig => ({
    ...{
      key: { kind: 'env', name: 'KEY' },
      url: provider.url + path,
      protocol,
      subscription: false,
      prices: {},
      window: null,
    },
    ...more,
  });
  const { models = {} } = options;
  const gateway = createGateway({
    models: {
      anthropic: model('anthropic', '', models['anthropic']),
      openai: model('openai', '', models['openai']),
      google: model('google', '', models['google']),
      house: model('openai-compatible', '/v1', models['house']),
    },
    resolveSecret: options.resolveSecret ?? (() => canary),
    clock: { now: options.now ?? Date.now },
    log: { debug: write, info: write, warn: write, error: write },
    ...(options.idleMs === undefined ? {} : { idleMs: options.idleMs }),
    ...(options.drainMs === undefined ? {} : { drainMs: options.drainMs }),
    ...(options.closeMs === undefined ? {} : { closeMs: options.closeMs }),
  });
  return {
    provider,
    gateway,
    ...{ records, told, refused, log },
    open: ({ budget = { tokens: null, dollars: null }, ...more } = {}) => {
      const known = new Map<string, UsageRecord>();
      return gateway.open({
        ...{ job: 'FR-001-1', attempt: 'attempt-1', agent: 'coder', endpoints },
        left: () => leftOf(budget, [...known.values()]),
        onUsage: (record) => {
          known.set(record.id, record);
          told.push(record);
          if (!record.open) records.push(record);
        },
        onRefused: (id) => {
          known.delete(id);
          refused.push(id);
        },
        ...more,
      });
    },
    close: async () => {
      await gateway.close();
      await provider.close();
    },
  };
}

function leftOf({ tokens, dollars }: Budget, records: readonly UsageRecord[]): Budget {
  const used = records.reduce((sum, { usage }) => sum + usage.input + usage.output, 0);
  const paid = records.reduce((sum, { cost, subscription }) => sum + (subscription ? 0 : (cost ?? 0)), 0);
  return { tokens: tokens === null ? null : tokens - used, dollars: dollars === null ? null : dollars - paid };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Whether the connection broke before the end. */
  readonly isBroken: boolean;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly onText?: (text: string) => void;
}

/** One request over the socket, as an agent makes it. */
export function ask(access: Pick<GatewayAccess, 'socketPath'>, path: string, asking: Asking = {}): Promise<Answer> {
  const { method = 'POST', headers = {}, body, signal, onText } = asking;
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      ...{ socketPath: access.socketPath, path, method },
      headers: { 'content-type': 'application/json', ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      const end = (isBroken: boolean) => () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, isBroken });
      };
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        onText?.(text);
      });
      response.once('end', end(false));
      response.once('error', end(true));
    });
    request.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

export interface WayToAsk {
  readonly endpoint: (typeof endpoints)[number];
  readonly dialect: Dialect;
  readonly model: string;
  path(isStreamed: boolean): string;
  body(isStreamed: boolean, text?: string): Readonly<Record<string, unknown>>;
}

const openaiMessages = (text: string): unknown => [{ role: 'user', content: text }];

/** How agents ask, in each protocol. */
export const waysToAsk: readonly WayToAsk[] = [
  {
    endpoint: 'anthropic',
    dialect: 'messages',
    model: 'claude-sonnet-4-5',
    path: () => '/anthropic/v1/messages?beta=true',
    body: (stream, text = 'go on') => ({
      model: 'claude-sonnet-4-5',
      max_tokens: 9,
      stream,
      messages: openaiMessages(text),
    }),
  },
  {
    endpoint: 'openai',
    dialect: 'responses',
    model: 'gpt-5.1-codex',
    path: () => '/openai/v1/responses',
    body: (stream, text = 'go on') => ({ model: 'gpt-5.1-codex', stream, input: openaiMessages(text) }),
  },
  {
    endpoint: 'house',
    dialect: 'chat',
    model: 'qwen3-coder',
    path: () => '/house/chat/completions',
    body: (stream, text = 'go on') => ({ model: 'qwen3-coder', stream, messages: openaiMessages(text) }),
  },
  {
    endpoint: 'google',
    dialect: 'generate',
    model: 'gemini-2.5-pro',
    path: (stream) =>
      `/google/v1beta/models/gemini-2.5-pro:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: (_stream, text = 'go on') => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
  },
];

/** Asks a model in one of the ways. */
export function askModel(
  access: Pick<GatewayAccess, 'socketPath'>,
  way: WayToAsk,
  asking: Asking & { readonly stream?: boolean; readonly text?: string } = {},
): Promise<Answer> {
  const { stream = true, text, ...more } = asking;
  return ask(access, way.path(stream), { body: way.body(stream, text), ...more });
}

export function wayBy(dialect: Dialect): WayToAsk {
  const way = waysToAsk.find((candidate) => candidate.dialect === dialect);
  if (way === undefined) throw new Error(`Nobody asks by ${dialect}.`);
  return way;
}

/** A promise that a test settles by hand. */
export function latch(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return {
    opened,
    open: () => {
      open();
    },
  };
}
