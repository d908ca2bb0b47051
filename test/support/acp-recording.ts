import { existsSync, readFileSync } from 'node:fs';
import type { Sandbox, SandboxResult, SandboxStreams } from '../../runner/core/ports/sandbox.ts';
import type { AcpLine } from './acp-transcripts.ts';

export interface RecordedRun extends Pick<SandboxResult, 'ending' | 'exitCode'> {
  readonly lines: readonly AcpLine[];
  readonly result: string | null;
}

/** Keeps what goes both ways between a driver and the agents that it runs. */
export function recordingSandbox(sandbox: Sandbox, runs: RecordedRun[]): Sandbox {
  return {
    probe: () => sandbox.probe(),
    async run(request) {
      const lines: AcpLine[] = [];
      const { conversation } = request;
      const result = await sandbox.run({
        ...request,
        ...(conversation === undefined
          ? {}
          : {
              conversation: {
                onStart: (streams) => {
                  conversation.onStart(listened(streams, lines));
                },
              },
            }),
      });
      const file = request.env['OPUS_RESULT_FILE'] ?? '';
      runs.push({
        ending: result.ending,
        exitCode: result.exitCode,
        lines: shortened(lines),
        result: existsSync(file) ? readFileSync(file, 'utf8') : null,
      });
      return result;
    },
  };
}

function listened(streams: SandboxStreams, lines: AcpLine[]): SandboxStreams {
  const heard = (from: 'agent' | 'client', text: string): void => {
    if (text.trim() !== '') lines.push(read(from, text));
  };
  async function* tapped(): AsyncGenerator<Uint8Array> {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of streams.stdout) {
      const whole = (text + decoder.decode(chunk, { stream: true })).split('\n');
      text = whole.pop() ?? '';
      for (const line of whole) heard('agent', line);
      yield chunk;
    }
    heard('agent', text);
  }
  return {
    write: (text, done) => {
      for (const line of text.split('\n')) heard('client', line);
      streams.write(text, done);
    },
    end: () => {
      streams.end();
    },
    stdout: tapped(),
  };
}

function read(from: 'agent' | 'client', text: string): AcpLine {
  try {
    const message: unknown = JSON.parse(text);
    if (typeof message === 'object' && message !== null) return { from, message: { ...message } };
  } catch {
    // Agents print other things as well.
  }
  return { from: 'agent', noise: text.slice(0, longestText) };
}

const longestText = 160;
const longestList = 4;
const mostAlike = 20;

/** Without what no reader looks at: the ends of long texts and of long lists, and most of many updates alike. */
export function shortened(lines: readonly AcpLine[]): AcpLine[] {
  const kept: AcpLine[] = [];
  let alike = 0;
  let before = '';
  const close = (): void => {
    if (alike > mostAlike) kept.push({ leftOut: alike - mostAlike });
  };
  for (const line of lines) {
    const kind = kindOf(line);
    if (kind !== before) {
      close();
      alike = 0;
      before = kind;
    }
    if (kind !== '') alike += 1;
    if (alike <= mostAlike) kept.push(cut(line) as AcpLine);
  }
  close();
  return kept;
}

/** Empty for what is never left out. */
function kindOf(line: AcpLine): string {
  if (!('message' in line) || 'id' in line.message) return '';
  const { update } = (line.message['params'] ?? {}) as { readonly update?: Readonly<Record<string, unknown>> };
  return `${String(line.message['method'])} ${String(update?.['sessionUpdate'])} ${String(update?.['toolCallId'])}`;
}

function cut(value: unknown): unknown {
  if (typeof value === 'string') {
    if (value.length <= longestText) return value;
    return `${value.slice(0, longestText)}… (${value.length - longestText} characters left out)`;
  }
  if (Array.isArray(value)) return value.slice(0, longestList).map(cut);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      name === 'availableCommands' && Array.isArray(field) ? field.slice(0, 1).map(cut) : cut(field),
    ]),
  );
}
