import { relative, resolve } from 'node:path';
import { noUsage, type AgentEvent, type TokenUsage } from '#shared/domain/agent-event.ts';
import { anyText, listOf, objectOf, speechOf, textOf, type JsonObject } from '../json-values.ts';
import type { AskedCall } from './permissions.ts';
import { usageOfAnswer } from './reported-usage.ts';

/** Of what the agent said last, which may be the stage's result. */
const longestSpeech = 4_000_000;
const longestLine = 4_000;
const mostCalls = 10_000;

interface ToolCall extends AskedCall {
  /** Empty where the agent names its tools by what they do, in `title`. */
  readonly name: string;
  readonly title: string;
  readonly input: string;
  readonly told: boolean;
  readonly ended: boolean;
  readonly diffs: readonly JsonObject[];
}

export interface SessionUpdates {
  /** From here on it is news; what came before is the past of a conversation, told again. */
  begin(conversation: { readonly isNew: boolean }): void;
  /** False where it is of a kind that is not known. */
  take(params: unknown): boolean;
  /** The call that a permission is asked for, with what its updates said before. */
  asked(toolCall: unknown): AskedCall & { readonly name: string };
  /** What the answer to the prompt says of tokens, where no update did. */
  answered(answer: unknown): void;
  /** Tells what is left; returns what the agent said after its last tool call. */
  finish(): string;
}

/** Updates that say nothing of the work. */
const quietKinds = [
  ...['user_message_chunk', 'agent_thought_chunk', 'plan', 'available_commands_update', 'current_mode_update'],
  ...['config_option_update', 'session_info_update'],
];

/** Reads `session/update`. Every field is the agent's own and looked at before it is used; kinds that are not known are left out. */
export function createSessionUpdates(options: {
  readonly tree: string;
  readonly model: string;
  readonly tell: (event: AgentEvent) => void;
}): SessionUpdates {
  const calls = new Map<string, ToolCall>();
  let line = '';
  let speech = '';
  let cost: number | null = null;
  let hasBegun = false;
  let isMetered = false;

  function flush(): void {
    if (line.trim() !== '') options.tell({ kind: 'text', text: line });
    line = '';
  }

  function tell(event: AgentEvent): void {
    flush();
    options.tell(event);
  }

  /** Agents send words in pieces of a few letters; a person reads lines. */
  function said(text: string): void {
    if (speech.length + text.length <= longestSpeech) speech += text;
    line += text;
    const end = line.lastIndexOf('\n') + 1;
    if (end === 0 && line.length < longestLine) return;
    const whole = end === 0 ? line : line.slice(0, end);
    line = line.slice(whole.length);
    if (whole.trim() !== '') options.tell({ kind: 'text', text: whole.trimEnd() });
  }

  function merged(update: JsonObject): { readonly id: string; readonly call: ToolCall } {
    const id = textOf(update['toolCallId']);
    const known = calls.get(id);
    const diffs = listOf(update['content']).filter((part) => part['type'] === 'diff');
    const call: ToolCall = {
      name: nameOf(update) || (known?.name ?? ''),
      title: textOf(update['title']) || (known?.title ?? ''),
      kind: textOf(update['kind']) || (known?.kind ?? ''),
      input: inputOf(update['rawInput']) || (known?.input ?? ''),
      paths: [...new Set([...(known?.paths ?? []), ...pathsOf(update, diffs)])].slice(0, 1_000),
      diffs: diffs.length > 0 ? diffs : (known?.diffs ?? []),
      told: known?.told ?? false,
      ended: known?.ended ?? false,
    };
    keep(id, call);
    return { id, call };
  }

  function keep(id: string, call: ToolCall): void {
    if (!calls.has(id) && calls.size >= mostCalls) calls.clear();
    calls.set(id, call);
  }

  function tellCall(id: string, call: ToolCall): void {
    if (call.told) return;
    keep(id, { ...call, told: true });
    speech = '';
    tell({ kind: 'tool-call', id, name: shownName(call), input: call.input || call.title });
  }

  function toolCall(update: JsonObject): void {
    const { id, call } = merged(update);
    const status = textOf(update['status']);
    const over = status === 'completed' || status === 'failed';
    if (call.ended) return;
    // Many announce a call before they know its input.
    if (status === 'in_progress' || over) tellCall(id, call);
    if (!over) return;
    keep(id, { ...call, told: true, ended: true });
    tell({ kind: 'tool-result', id, ok: status === 'completed', output: outputOf(update) });
    if (status === 'completed') for (const change of changesOf(call, options.tree)) tell(change);
  }

  function usage(update: JsonObject): void {
    const price = objectOf(update['cost']);
    const total = price['currency'] === 'USD' && typeof price['amount'] === 'number' ? price['amount'] : null;
    if (total === null || !Number.isFinite(total)) return;
    // Of all runs of the conversation: where a resumed one did not say what it began with, the first word is the beginning.
    if (cost !== null && total > cost && hasBegun) {
      tell({ kind: 'usage', model: options.model, usage: noUsage, cost: total - cost });
    }
    cost = total;
  }

  function metered(tokens: TokenUsage | null): void {
    if (tokens === null) return;
    isMetered = true;
    tell({ kind: 'usage', model: options.model, usage: tokens, cost: null });
  }

  return {
    begin({ isNew }) {
      hasBegun = true;
      if (isNew) cost = 0;
    },
    take(params) {
      const update = objectOf(objectOf(params)['update']);
      const kind = update['sessionUpdate'];
      const isCall = kind === 'tool_call' || kind === 'tool_call_update';
      if (kind === 'usage_update') usage(update);
      if (hasBegun && kind === 'agent_message_chunk') {
        said(wordsOf(update['content']));
        metered(usageOfAnswer(update));
      }
      if (hasBegun && isCall) toolCall(update);
      return isCall || kind === 'usage_update' || kind === 'agent_message_chunk' || quietKinds.includes(textOf(kind));
    },
    asked(params) {
      const { id, call } = merged(objectOf(params));
      tellCall(id, call);
      return { ...call, name: shownName(call) };
    },
    answered(answer) {
      if (!isMetered) metered(usageOfAnswer(answer));
    },
    finish() {
      flush();
      return speech;
    },
  };
}

function nameOf(update: JsonObject): string {
  const meta = objectOf(update['_meta']);
  return textOf(update['name']) || textOf(meta['toolName']) || textOf(objectOf(meta['claudeCode'])['toolName']);
}

function shownName({ name, title, kind }: ToolCall): string {
  return name || (/^\S{1,40}$/.test(title) ? title : kind) || 'tool';
}

function wordsOf(content: unknown): string {
  const block = objectOf(content);
  return block['type'] === 'text' ? speechOf(block['text']) : '';
}

function inputOf(value: unknown): string {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0 ? '' : anyText(value);
}

const pathNames = ['file_path', 'filePath', 'filepath', 'path', 'abs_path', 'absolute_path', 'notebook_path'];

function pathsOf(update: JsonObject, diffs: readonly JsonObject[]): string[] {
  const input = objectOf(update['rawInput']);
  return [
    ...listOf(update['locations']).map((location) => textOf(location['path'])),
    ...diffs.map((diff) => textOf(diff['path'])),
    ...pathNames.map((name) => textOf(input[name])),
  ].filter((path) => path !== '');
}

function outputOf(update: JsonObject): string {
  const parts = listOf(update['content'])
    .filter((part) => part['type'] === 'content')
    .map((part) => wordsOf(part['content']));
  return textOf(parts.join('\n')) || anyText(update['rawOutput']);
}

function changesOf(call: ToolCall, tree: string): AgentEvent[] {
  const shown = (path: string): string => relative(tree, resolve(tree, path)) || path;
  if (call.diffs.length > 0) {
    return call.diffs.map((diff) => ({
      kind: 'file-change',
      path: shown(textOf(diff['path'])),
      change: textOf(diff['oldText']) === '' ? 'added' : 'changed',
    }));
  }
  if (call.kind !== 'edit' && call.kind !== 'delete') return [];
  const change = call.kind === 'delete' ? 'deleted' : 'changed';
  return [...new Set(call.paths.map(shown))].map((path) => ({ kind: 'file-change', path, change }));
}
