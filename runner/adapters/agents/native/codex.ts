import { noUsage, type AgentEvent, type TokenUsage } from '#shared/domain/agent-event.ts';
import {
  anyText,
  countOf,
  errorWords,
  listOf,
  objectOf,
  speechOf,
  statusInText,
  textOf,
  type JsonObject,
} from '../json-values.ts';
import type { CliEnding, EventReader, NativeCli, WayToModel } from './native-cli.ts';

/** Measured with @openai/codex 0.169.0. */
export const codex: NativeCli = {
  kind: 'codex',
  title: 'Codex',
  conversations: '.codex/sessions',
  invocation: ({ request, session, model }) => ({
    args: [
      ...['exec', ...(session === null ? [] : ['resume']), '--json', '--skip-git-repo-check'],
      // Its own sandbox does not start inside another one.
      '--dangerously-bypass-approvals-and-sandbox',
      ...['--ignore-user-config', '--ignore-rules', '--disable', 'multi_agent'],
      ...(request.model === '' ? [] : ['--model', request.model]),
      ...(model === null ? [] : provider(model)),
      // Without a network it would wait for its analytics, 5 s at the end of each run.
      ...['-c', 'check_for_update_on_startup=false', '-c', 'analytics.enabled=false'],
      ...(session === null ? [] : [session]),
      '-',
    ],
    env: model === null ? {} : { OPENAI_API_KEY: model.key },
  }),
  reader: ({ resumed, before }) => createCodexReader(resumed, before),
  isUnknownSession: (exitCode, printed) =>
    exitCode === 1 && /no rollout found|no saved session|not found for thread/i.test(printed),
};

function provider({ baseUrl }: WayToModel): string[] {
  return [
    ...setting('model_provider', 'opus'),
    ...setting('model_providers.opus.name', 'opus'),
    ...setting('model_providers.opus.base_url', `${baseUrl}/v1`),
    ...setting('model_providers.opus.env_key', 'OPENAI_API_KEY'),
    ...setting('model_providers.opus.wire_api', 'responses'),
    ...['-c', 'model_providers.opus.request_max_retries=2', '-c', 'model_providers.opus.stream_max_retries=2'],
  ];
}

function setting(name: string, value: string): string[] {
  return ['-c', `${name}=${JSON.stringify(value)}`];
}

const quietItems = ['reasoning', 'todo_list', 'web_search', 'plan_update'];

function createCodexReader(resumed: boolean, before: TokenUsage | null): EventReader {
  let ok: boolean | null = null;
  let text = '';
  let problem: string | null = null;
  let status: number | null = null;
  let totals: TokenUsage | null = null;

  function failed(message: string): AgentEvent[] {
    problem = errorWords(message);
    status = statusInText(message) ?? status;
    return status === 429 ? [{ kind: 'rate-limit', until: null, message }] : [];
  }

  function item(phase: 'started' | 'updated' | 'completed', value: JsonObject): AgentEvent[] | null {
    const id = textOf(value['id']);
    const done = phase === 'completed';
    switch (value['type']) {
      case 'agent_message':
        if (!done) return [];
        text = speechOf(value['text']);
        return [{ kind: 'text', text }];
      case 'command_execution':
        if (phase === 'started') return [{ kind: 'tool-call', id, name: 'shell', input: textOf(value['command']) }];
        if (!done) return [];
        return [{ kind: 'tool-result', id, ok: value['exit_code'] === 0, output: textOf(value['aggregated_output']) }];
      case 'mcp_tool_call':
      case 'collab_tool_call':
        if (phase === 'started') {
          return [{ kind: 'tool-call', id, name: textOf(value['tool']), input: anyText(value['arguments']) }];
        }
        if (!done) return [];
        return [{ kind: 'tool-result', id, ok: value['status'] === 'completed', output: anyText(value['result']) }];
      case 'file_change':
        return done && value['status'] !== 'failed' ? listOf(value['changes']).map(fileChange) : [];
      case 'error':
        // Warnings come so as well: the turn says whether it failed.
        return [{ kind: 'text', text: textOf(value['message']) }];
      default:
        return quietItems.includes(textOf(value['type'])) ? [] : null;
    }
  }

  function completed(usage: JsonObject): AgentEvent[] {
    ok = true;
    const now: TokenUsage = {
      input: countOf(usage['input_tokens']),
      cacheRead: countOf(usage['cached_input_tokens']),
      cacheWrite: countOf(usage['cache_write_input_tokens']),
      output: countOf(usage['output_tokens']),
    };
    const earlier = totals ?? (resumed ? before : noUsage);
    totals = now;
    const done: AgentEvent = { kind: 'done', ok: true, text };
    // What earlier runs of the conversation used stands in the same numbers; where that is not known, neither is this run's.
    if (earlier === null) return [done];
    return [{ kind: 'usage', model: '', usage: difference(now, earlier), cost: null }, done];
  }

  return {
    read(event) {
      switch (event['type']) {
        case 'thread.started':
          return [{ kind: 'session', id: textOf(event['thread_id']) }];
        case 'turn.started':
          return [];
        case 'item.started':
          return item('started', objectOf(event['item']));
        case 'item.updated':
          return item('updated', objectOf(event['item']));
        case 'item.completed':
          return item('completed', objectOf(event['item']));
        case 'turn.completed':
          return completed(objectOf(event['usage']));
        case 'turn.failed':
          ok = false;
          return [...failed(textOf(objectOf(event['error'])['message'])), { kind: 'done', ok: false, text }];
        case 'error':
          return failed(textOf(event['message']));
        default:
          return null;
      }
    },
    ending: (): CliEnding => ({ ok, text, problem, status, totals }),
  };
}

function difference(now: TokenUsage, before: TokenUsage): TokenUsage {
  return {
    input: Math.max(0, now.input - before.input),
    cacheRead: Math.max(0, now.cacheRead - before.cacheRead),
    cacheWrite: Math.max(0, now.cacheWrite - before.cacheWrite),
    output: Math.max(0, now.output - before.output),
  };
}

function fileChange(change: JsonObject): AgentEvent {
  const kinds = { add: 'added', delete: 'deleted' } as const;
  const kind = textOf(change['kind']);
  return {
    kind: 'file-change',
    path: textOf(change['path']),
    change: kind === 'add' || kind === 'delete' ? kinds[kind] : 'changed',
  };
}
