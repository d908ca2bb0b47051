import type { AgentEvent } from '#shared/domain/agent-event.ts';
import {
  anyText,
  countOf,
  errorWords,
  objectOf,
  speechOf,
  statusInText,
  statusOf,
  textOf,
  type JsonObject,
} from '../json-values.ts';
import type { CliEnding, EventReader, NativeCli } from './native-cli.ts';

/** The names that notes use for other agents' tools. */
const toolNames: Readonly<Record<string, readonly string[]>> = {
  Read: ['read_file', 'read_many_files', 'list_directory', 'glob', 'grep_search'],
  Edit: ['replace'],
  Write: ['write_file'],
  Bash: ['run_shell_command'],
  Glob: ['glob'],
  Grep: ['grep_search'],
};

/** Measured with @google/gemini-cli 0.61.0. */
export const gemini: NativeCli = {
  kind: 'gemini',
  title: 'Gemini',
  conversations: '.gemini/tmp',
  invocation: ({ request, session, model, work }) => {
    const tools = (request.profile.tools ?? []).flatMap((name) => toolNames[name] ?? [name]);
    // Its own way to ask has nobody to answer.
    const exclude = ['ask_user'];
    return {
      args: [
        // Trusted in any other way, the repository's settings, hooks and MCP servers would be run.
        ...['--skip-trust', '--output-format', 'stream-json', '--approval-mode', 'yolo'],
        ...['--include-directories', work],
        ...(request.model === '' ? [] : ['--model', request.model]),
        ...(session === null ? [] : ['--resume', session]),
      ],
      env: {
        ...(model === null ? {} : { GOOGLE_GEMINI_BASE_URL: model.baseUrl, GEMINI_API_KEY: model.key }),
        GEMINI_CLI_NO_RELAUNCH: 'true',
      },
      files: {
        '.gemini/settings.json': JSON.stringify({
          security: { auth: { selectedType: model === null ? 'oauth-personal' : 'gemini-api-key' } },
          privacy: { usageStatisticsEnabled: false },
          general: { enableAutoUpdate: false, enableAutoUpdateNotification: false, maxAttempts: 3 },
          hooksConfig: { enabled: false },
          tools: { exclude, ...(tools.length === 0 ? {} : { core: tools }) },
        }),
      },
    };
  },
  reader: () => createGeminiReader(),
  // The status itself, of which a byte is left; below that are codes of its own.
  statusOfExit: (exitCode) => (exitCode >= 144 ? 256 + exitCode : null),
  isUnknownSession: (exitCode, printed) => exitCode === 42 && /session/i.test(printed),
};

function createGeminiReader(): EventReader {
  let ok: boolean | null = null;
  let text = '';
  let problem: string | null = null;
  let status: number | null = null;
  const calls = new Map<string, { readonly name: string; readonly path: string }>();

  function message(event: JsonObject): AgentEvent[] {
    if (event['role'] !== 'assistant') return [];
    const said = speechOf(event['content']);
    text = event['delta'] === true ? speechOf(text + said) : said;
    return said === '' ? [] : [{ kind: 'text', text: said }];
  }

  function toolUse(event: JsonObject): AgentEvent[] {
    const id = textOf(event['tool_id']);
    const name = textOf(event['tool_name']);
    text = '';
    calls.set(id, { name, path: textOf(objectOf(event['parameters'])['file_path']) });
    return [{ kind: 'tool-call', id, name, input: anyText(event['parameters']) }];
  }

  function toolResult(event: JsonObject): AgentEvent[] {
    const id = textOf(event['tool_id']);
    const call = calls.get(id);
    const good = event['status'] === 'success';
    const error = textOf(objectOf(event['error'])['message']);
    calls.delete(id);
    const events: AgentEvent[] = [{ kind: 'tool-result', id, ok: good, output: textOf(event['output']) || error }];
    const path = call?.path ?? '';
    if (good && path !== '' && (call?.name === 'write_file' || call?.name === 'replace')) {
      events.push({ kind: 'file-change', path, change: 'changed' });
    }
    if (!good && /requires user confirmation|denied by policy/i.test(error)) {
      events.push({ kind: 'permission', name: call?.name ?? '', granted: false });
    }
    return events;
  }

  function failed(error: JsonObject): AgentEvent[] {
    const words = textOf(error['message']);
    problem = errorWords(/^\[API Error: (\{.*\})\]$/s.exec(words)?.[1] ?? words) || problem;
    status = statusOf(error['code']) ?? statusInText(words) ?? status;
    return status === 429 ? [{ kind: 'rate-limit', until: null, message: words }] : [];
  }

  function result(event: JsonObject): AgentEvent[] {
    ok = event['status'] === 'success';
    const models = Object.entries(objectOf(objectOf(event['stats'])['models']));
    const usage = models.map(([model, value]): AgentEvent => {
      const stats = objectOf(value);
      return {
        kind: 'usage',
        model,
        usage: {
          input: countOf(stats['input_tokens']),
          cacheRead: countOf(stats['cached']),
          cacheWrite: 0,
          output: countOf(stats['output_tokens']),
        },
        cost: null,
      };
    });
    return [...usage, ...(ok ? [] : failed(objectOf(event['error']))), { kind: 'done', ok, text }];
  }

  return {
    read(event) {
      switch (event['type']) {
        case 'init':
          return [{ kind: 'session', id: textOf(event['session_id']) }];
        case 'message':
          return message(event);
        case 'tool_use':
          return toolUse(event);
        case 'tool_result':
          return toolResult(event);
        case 'error':
          return failed(event);
        case 'result':
          return result(event);
        default:
          return null;
      }
    },
    ending: (): CliEnding => ({ ok, text, problem, status, totals: null }),
  };
}
