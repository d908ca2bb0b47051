import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEventLines } from '../../runner/adapters/agents/event-lines.ts';
import { readerOf } from '../../runner/adapters/agents/native/native-driver.ts';
import type { CliEnding, NativeKind } from '../../runner/adapters/agents/native/native-cli.ts';
import type { AgentEvent, TokenUsage } from '../../shared/domain/agent-event.ts';

const folder = join(import.meta.dirname, '..', 'fixtures', 'transcripts');

export interface Transcript {
  readonly cli: NativeKind;
  readonly version: string;
  readonly case: string;
  readonly run: number;
  readonly resumed: boolean;
  readonly ending: string;
  readonly exitCode: number | null;
  readonly stderr: string;
  /** What it printed, without the header. */
  readonly stdout: string;
}

export function transcriptNames(cli: NativeKind): string[] {
  return readdirSync(join(folder, cli)).map((file) => file.replace(/\.jsonl$/, ''));
}

/** `name` is the case, with `-1` or `-2` where it took two runs. */
export function readTranscript(cli: NativeKind, name: string): Transcript {
  const text = readFileSync(join(folder, cli, `${name}.jsonl`), 'utf8');
  const end = text.indexOf('\n');
  const { recorded } = JSON.parse(text.slice(0, end)) as { recorded: Omit<Transcript, 'stdout'> };
  return { ...recorded, stdout: text.slice(end + 1) };
}

export interface Replayed {
  readonly events: readonly AgentEvent[];
  readonly ending: CliEnding;
  /** Types of events that the reader did not know. */
  readonly unknown: readonly unknown[];
  /** Lines that are no events. */
  readonly text: readonly string[];
}

export function replay(
  cli: NativeKind,
  stdout: string,
  options: { readonly resumed?: boolean; readonly before?: TokenUsage | null; readonly chunk?: number } = {},
): Replayed {
  const reader = readerOf(cli, { resumed: options.resumed ?? false, before: options.before ?? null });
  const events: AgentEvent[] = [];
  const unknown: unknown[] = [];
  const text: string[] = [];
  const lines = createEventLines({
    onEvent: (event) => {
      const said = reader.read(event);
      if (said === null) unknown.push(event);
      events.push(...(said ?? []));
    },
    onText: (line) => text.push(line),
  });
  const size = options.chunk ?? stdout.length;
  for (let at = 0; at < stdout.length; at += size) lines.take(stdout.slice(at, at + size));
  lines.finish();
  return { events, ending: reader.ending(), unknown, text };
}
