import { OpusError } from '#shared/domain/errors.ts';
import type { AgentEvent } from '#shared/domain/agent-event.ts';
import {
  anyText,
  countOf,
  objectOf,
  speechOf,
  statusInText,
  statusOf,
  textOf,
  type JsonObject,
} from '../json-values.ts';
import type { AgentRequest } from '../../../core/ports/agent.ts';
import type { CliEnding, EventReader, NativeCli } from './native-cli.ts';

/** Packages that OpenCode has built in, by endpoint; any other endpoint speaks as OpenAI does. */
const providers: Readonly<Record<string, string>> = {
  anthropic: '@ai-sdk/anthropic',
  openai: '@ai-sdk/openai',
  google: '@ai-sdk/google',
};
const paths: Readonly<Record<string, string>> = { google: '/v1beta' };

const quiet = {
  OPENCODE_DISABLE_MODELS_FETCH: '1',
  OPENCODE_DISABLE_AUTOUPDATE: '1',
  OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
  // A repository's .opencode may hold plugins, which are programs.
  OPENCODE_DISABLE_PROJECT_CONFIG: '1',
};

function argsOf(job: string, session: string | null): string[] {
  const resumed = session === null ? [] : ['--session', session];
  return ['run', '--pure', '--format', 'json', '--title', job, ...resumed];
}

function commonConfig({ profile }: AgentRequest) {
  return { share: 'disabled', autoupdate: false, permission: permissions(profile.tools ?? []) };
}

/** With a login of its own it knows its providers. */
function ownConfig(request: AgentRequest): string {
  const { model } = request;
  return JSON.stringify({ ...(model === '' ? {} : { model, small_model: model }), ...commonConfig(request) });
}

/** Measured with opencode-ai 1.18.33. */
export const opencode: NativeCli = {
  kind: 'opencode',
  title: 'OpenCode',
  conversations: '.local/share/opencode',
  invocation: ({ request, session, model: way }) => {
    if (way === null)
      return { args: argsOf(request.job, session), env: { ...quiet, OPENCODE_CONFIG_CONTENT: ownConfig(request) } };
    const { endpoint, baseUrl, key } = way;
    const prefix = `${endpoint}/`;
    const model = request.model.startsWith(prefix) ? request.model.slice(prefix.length) : request.model;
    if (model === '') {
      throw new OpusError('vault.agent-invalid', `${request.profile.path} names no model, and OpenCode needs one.`, {
        hint: 'Write "model: ENDPOINT/MODEL" with an endpoint under "models" in opus.yml, as in anthropic/claude-sonnet-4-5.',
      });
    }
    const provider = {
      npm: providers[endpoint] ?? '@ai-sdk/openai-compatible',
      options: { baseURL: `${baseUrl}${paths[endpoint] ?? '/v1'}`, apiKey: key },
      models: { [model]: { limit: { context: 200_000, output: 32_000 } } },
    };
    const name = `opus/${model}`;
    return {
      args: argsOf(request.job, session),
      env: {
        OPENCODE_CONFIG_CONTENT: JSON.stringify({
          provider: { opus: provider },
          enabled_providers: ['opus'],
          model: name,
          small_model: name,
          ...commonConfig(request),
        }),
        ...quiet,
      },
    };
  },
  reader: () => createOpencodeReader(),
  isUnknownSession: (exitCode, printed) => exitCode === 1 && /session not found/i.test(printed),
};

function permissions(tools: readonly string[]): unknown {
  if (tools.length === 0) return { '*': 'allow', question: 'deny' };
  // Its own way to ask waits for an answer that cannot come.
  const usable = tools.filter((tool) => tool.toLowerCase() !== 'question');
  const allowed = usable.map((tool) => [tool.toLowerCase() === 'write' ? 'edit' : tool.toLowerCase(), 'allow']);
  return { '*': 'deny', external_directory: 'allow', ...(Object.fromEntries(allowed) as Record<string, string>) };
}

function createOpencodeReader(): EventReader {
  let session = '';
  let ok: boolean | null = null;
  let text = '';
  let problem: string | null = null;
  let status: number | null = null;

  function tool(part: JsonObject): AgentEvent[] {
    const state = objectOf(part['state']);
    const id = textOf(part['callID']);
    const name = textOf(part['tool']);
    const good = state['status'] === 'completed';
    const metadata = objectOf(state['metadata']);
    const output = anyText(good ? state['output'] : (state['error'] ?? state['output']));
    const path = textOf(metadata['filepath']) || textOf(objectOf(state['input'])['filePath']);
    const events: AgentEvent[] = [
      { kind: 'tool-call', id, name, input: anyText(state['input']) },
      { kind: 'tool-result', id, ok: good, output },
    ];
    if (good && path !== '' && (name === 'write' || name === 'edit')) {
      events.push({ kind: 'file-change', path, change: metadata['exists'] === false ? 'added' : 'changed' });
    }
    if (!good && /permission|rejected/i.test(output)) events.push({ kind: 'permission', name, granted: false });
    return events;
  }

  function stepFinish(part: JsonObject): AgentEvent[] {
    const reason = textOf(part['reason']);
    ok = reason === 'tool-calls' ? null : reason !== 'error';
    const tokens = objectOf(part['tokens']);
    const cache = objectOf(tokens['cache']);
    const cacheRead = countOf(cache['read']);
    const cacheWrite = countOf(cache['write']);
    return [
      {
        kind: 'usage',
        model: '',
        usage: {
          input: countOf(tokens['input']) + cacheRead + cacheWrite,
          cacheRead,
          cacheWrite,
          output: countOf(tokens['output']) + countOf(tokens['reasoning']),
        },
        // It prices by its configuration, and ours names no prices.
        cost: null,
      },
      ...(ok === null ? [] : [{ kind: 'done', ok, text } as const]),
    ];
  }

  function failed(error: JsonObject): AgentEvent[] {
    const data = objectOf(error['data']);
    const message = textOf(data['message']) || textOf(error['message']) || textOf(error['name']);
    ok = false;
    problem = message;
    status = statusOf(data['statusCode']) ?? statusInText(message);
    return [
      ...(status === 429 ? [{ kind: 'rate-limit', until: null, message } as const] : []),
      { kind: 'done', ok: false, text },
    ];
  }

  function content(event: JsonObject): AgentEvent[] | null {
    const part = objectOf(event['part']);
    switch (event['type']) {
      case 'step_start':
      case 'reasoning':
        return [];
      case 'text':
        text = speechOf(part['text']);
        return [{ kind: 'text', text }];
      case 'tool_use':
        return tool(part);
      case 'step_finish':
        return stepFinish(part);
      case 'error':
        return failed(objectOf(event['error']));
      default:
        return null;
    }
  }

  return {
    read(event) {
      const events = content(event);
      const id = textOf(event['sessionID']);
      if (events === null || id === '' || id === session) return events;
      session = id;
      return [{ kind: 'session', id }, ...events];
    },
    ending: (): CliEnding => ({ ok, text, problem, status, totals: null }),
  };
}
