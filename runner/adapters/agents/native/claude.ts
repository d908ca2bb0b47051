import { noUsage, type AgentEvent } from '#shared/domain/agent-event.ts';
import {
  anyText,
  countOf,
  listOf,
  objectOf,
  statusInText,
  statusOf,
  speechOf,
  textOf,
  type JsonObject,
} from '../json-values.ts';
import type { CliEnding, EventReader, NativeCli } from './native-cli.ts';

const usualTools = ['Read', 'Edit', 'Write', 'Bash', 'Glob', 'Grep'];

/** Its own way to ask has nobody to answer in a run without a terminal. */
function toolsOf(named: readonly string[]): readonly string[] {
  return named.length === 0 ? usualTools : named.filter((name) => name !== 'AskUserQuestion');
}

/** Measured with @anthropic-ai/claude-code 2.1.329. */
export const claude: NativeCli = {
  kind: 'claude',
  title: 'Claude Code',
  conversations: '.claude/projects',
  invocation: ({ request, session, model }) => ({
    args: [
      ...['-p', '--output-format', 'stream-json', '--verbose', '--include-partial-messages'],
      // A repository's settings may name hooks, and its .mcp.json programs: neither is read.
      ...['--setting-sources', 'user', '--strict-mcp-config'],
      ...['--permission-mode', 'bypassPermissions'],
      ...['--tools', toolsOf(request.profile.tools ?? []).join(',')],
      ...(request.model === '' ? [] : ['--model', request.model]),
      ...(session === null ? [] : ['--resume', session]),
    ],
    env: {
      ...(model === null ? {} : { ANTHROPIC_BASE_URL: model.baseUrl, ANTHROPIC_API_KEY: model.key }),
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '2',
      DISABLE_AUTOUPDATER: '1',
      // Without it, root is refused the mode that asks nobody.
      IS_SANDBOX: '1',
    },
  }),
  reader: ({ resumed }) => createClaudeReader(resumed),
  isUnknownSession: (exitCode, printed) => exitCode === 1 && /No conversation found/i.test(printed),
};

/** System events that say nothing of the work. */
const quietSystem = [
  ...['status', 'compact_boundary', 'hook_started', 'hook_progress', 'hook_response', 'session_state_changed'],
  ...['task_started', 'task_progress', 'task_updated', 'task_notification', 'files_persisted', 'thinking_tokens'],
];
const quietEvents = [
  ...['tool_progress', 'tool_use_summary', 'auth_status', 'keep_alive', 'prompt_suggestion', 'streamlined_text'],
];
const quietStream = [...['content_block_start', 'content_block_delta', 'content_block_stop', 'message_stop', 'ping']];

function createClaudeReader(resumed: boolean): EventReader {
  let ok: boolean | null = null;
  let text = '';
  let problem: string | null = null;
  let status: number | null = null;
  let model = '';
  let started: JsonObject = {};
  const tools = new Map<string, string>();
  const denied = new Set<string>();

  function system(event: JsonObject): AgentEvent[] | null {
    switch (event['subtype']) {
      case 'init':
        model = textOf(event['model']);
        return [{ kind: 'session', id: textOf(event['session_id']) }];
      case 'api_retry': {
        status = statusOf(event['error_status']) ?? status;
        problem = `the model answered ${anyText(event['error_status'])} (${textOf(event['error'])})`;
        return status === 429 || status === 529 ? [{ kind: 'rate-limit', until: null, message: problem }] : [];
      }
      default:
        return quietSystem.includes(textOf(event['subtype'])) ? [] : null;
    }
  }

  /** True usage stands here alone: `assistant` events carry one output token. */
  function stream(event: JsonObject): AgentEvent[] | null {
    if (event['type'] === 'message_start') {
      const message = objectOf(event['message']);
      started = objectOf(message['usage']);
      model = textOf(message['model']) || model;
      return [];
    }
    if (event['type'] !== 'message_delta') return quietStream.includes(textOf(event['type'])) ? [] : null;
    const last = objectOf(event['usage']);
    const count = (name: string): number => countOf(last[name] ?? started[name]);
    const cacheRead = count('cache_read_input_tokens');
    const cacheWrite = count('cache_creation_input_tokens');
    const input = count('input_tokens') + cacheRead + cacheWrite;
    started = {};
    return [
      { kind: 'usage', model, usage: { input, cacheRead, cacheWrite, output: count('output_tokens') }, cost: null },
    ];
  }

  function assistant(message: JsonObject): AgentEvent[] {
    const synthetic = message['model'] === '<synthetic>';
    return listOf(message['content']).flatMap((block): AgentEvent[] => {
      if (block['type'] === 'text') {
        text = speechOf(block['text']);
        // Words of the CLI itself, such as an API error.
        if (synthetic) problem = text;
        return [{ kind: 'text', text }];
      }
      if (block['type'] !== 'tool_use') return [];
      const id = textOf(block['id']);
      const name = textOf(block['name']);
      tools.set(id, name);
      return [{ kind: 'tool-call', id, name, input: anyText(block['input']) }];
    });
  }

  function user(event: JsonObject): AgentEvent[] {
    const results = listOf(objectOf(event['message'])['content']).flatMap((block): AgentEvent[] => {
      if (block['type'] !== 'tool_result') return [];
      return [
        {
          kind: 'tool-result',
          id: textOf(block['tool_use_id']),
          ok: block['is_error'] !== true,
          output: anyText(block['content']),
        },
      ];
    });
    const change = objectOf(event['tool_use_result']);
    const path = textOf(change['filePath']);
    const written =
      change['type'] === 'create' || change['type'] === 'update' || change['structuredPatch'] !== undefined;
    if (path === '' || !written) return results;
    return [...results, { kind: 'file-change', path, change: change['type'] === 'create' ? 'added' : 'changed' }];
  }

  function deniedTools(event: JsonObject): AgentEvent[] {
    return listOf(event['permission_denials']).flatMap((denial): AgentEvent[] => {
      const id = textOf(denial['tool_use_id']);
      if (denied.has(id)) return [];
      denied.add(id);
      return [{ kind: 'permission', name: textOf(denial['tool_name']) || (tools.get(id) ?? ''), granted: false }];
    });
  }

  function result(event: JsonObject): AgentEvent[] {
    // An API error comes as `subtype: "success"`.
    ok = event['is_error'] !== true && event['subtype'] === 'success';
    text = speechOf(event['result']) || text;
    status = statusOf(event['api_error_status']) ?? (ok ? null : (status ?? statusInText(text)));
    const errors = Array.isArray(event['errors']) ? event['errors'].map(anyText).join('; ') : '';
    problem = ok ? null : text || errors || problem || textOf(event['subtype']);
    const cost = event['total_cost_usd'];
    // The cost of a resumed conversation is that of all its runs.
    const priced = !resumed && typeof cost === 'number' && cost > 0;
    return [
      ...deniedTools(event),
      ...(priced ? [{ kind: 'usage', model, usage: noUsage, cost } as const] : []),
      { kind: 'done', ok, text },
    ];
  }

  function limit(info: JsonObject): AgentEvent[] {
    if (info['status'] !== 'rejected') return [];
    const resets = countOf(info['resetsAt']) * 1_000;
    status = 429;
    const message = `the subscription's ${textOf(info['rateLimitType']) || 'usage'} limit is reached`;
    return [{ kind: 'rate-limit', until: resets === 0 ? null : resets, message }];
  }

  return {
    read(event) {
      switch (event['type']) {
        case 'system':
          return system(event);
        case 'stream_event':
          return stream(objectOf(event['event']));
        case 'assistant':
          return assistant(objectOf(event['message']));
        case 'user':
          return user(event);
        case 'result':
          return result(event);
        case 'rate_limit_event':
          return limit(objectOf(event['rate_limit_info']));
        default:
          return quietEvents.includes(textOf(event['type'])) ? [] : null;
      }
    },
    ending: (): CliEnding => ({ ok, text, problem, status, totals: null }),
  };
}
