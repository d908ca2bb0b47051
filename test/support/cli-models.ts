import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GatewayAccess, GatewayRefusal } from '../../runner/core/ports/gateway.ts';
import { objectOf, textOf, type JsonObject } from '../../runner/adapters/agents/json-values.ts';
import { protocols, type Call } from './cli-protocols.ts';

/** What the model says in one answer. The turn is told from the history in the request, so that a resumed agent goes on where it was. */
export interface ModelTurn {
  readonly text?: string;
  readonly write?: { readonly path: string; readonly content: string };
  readonly run?: string;
  /** A tool that nobody offered. */
  readonly unknownTool?: string;
  readonly fault?: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    /** Begins to answer and cuts the connection. */
    readonly drop?: boolean;
    /** Never answers. */
    readonly hang?: boolean;
  };
}

export interface CliModels {
  readonly socketPath: string;
  /** Paths that were asked for, with the turn that was answered. */
  readonly requests: { readonly path: string; readonly turn: number }[];
  close(): Promise<void>;
}

/** Models on a unix socket under /anthropic, /openai, /google and /mock (chat completions), all by one script. */
export async function startCliModels(turns: readonly ModelTurn[]): Promise<CliModels> {
  const folder = mkdtempSync(join(tmpdir(), 'm-'));
  const socketPath = join(folder, 's');
  const requests: { path: string; turn: number }[] = [];
  const server = createServer((request, response) => {
    void answer(request, response, turns, requests).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    socketPath,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A gateway that hands everything on, and refuses when it is told to. */
export function gatewayTo(models: CliModels, refusal: () => GatewayRefusal | null = () => null): GatewayAccess {
  return {
    socketPath: models.socketPath,
    pathOf: (endpoint) => `/${endpoint}`,
    refusal,
    close: () => Promise.resolve(),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  turns: readonly ModelTurn[],
  requests: { path: string; turn: number }[],
): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://models').pathname;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = objectOf(chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as unknown));
  const protocol = protocols.find(({ pattern }) => pattern.test(path));
  if (protocol === undefined) {
    json(response, path.endsWith('/models') ? 200 : 404, { data: [], models: [] });
    return;
  }
  const asked = protocol.read(body);
  // Titles and summaries, which agents ask for beside their work.
  const aside = asked.tools.length === 0;
  const turn: ModelTurn = aside ? { text: 'ok' } : (turns[asked.turn] ?? { text: 'The script has ended.' });
  requests.push({ path, turn: aside ? -1 : asked.turn });
  const { fault } = turn;
  if (fault?.hang === true) return;
  if (fault?.status !== undefined) {
    json(response, fault.status, protocol.error(fault.status), fault.headers);
    return;
  }
  const model = textOf(body['model']) || (/models\/([^:]+):/.exec(path)?.[1] ?? 'scripted');
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const events = protocol.stream({ model, text: turn.text ?? '', calls: callsOf(turn, asked.tools) });
  if (fault?.drop === true) {
    response.write(events.slice(0, Math.ceil(events.length / 3)).join(''));
    setImmediate(() => response.socket?.destroy());
    return;
  }
  response.end(events.join(''));
}

function json(response: ServerResponse, status: number, body: unknown, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function callsOf(turn: ModelTurn, tools: readonly JsonObject[]): Call[] {
  const named = (names: readonly string[]): JsonObject | undefined =>
    names.map((name) => tools.find((tool) => tool['name'] === name)).find((tool) => tool !== undefined);
  const calls: Call[] = [];
  if (turn.unknownTool !== undefined) calls.push({ name: turn.unknownTool, input: { any: 'thing' } });
  const shell = (command: string): void => {
    const tool = named(['Bash', 'bash', 'run_shell_command', 'exec_command', 'shell_command', 'shell', 'exec']);
    if (tool === undefined) return;
    const name = textOf(tool['name']);
    if (tool['custom'] === true) {
      const source = `const r = await tools.exec_command(${JSON.stringify({ cmd: command })}); text(JSON.stringify(r));`;
      calls.push({ name, input: source, custom: true });
      return;
    }
    const properties = objectOf(objectOf(tool['parameters'])['properties']);
    const field = 'cmd' in properties ? 'cmd' : 'command';
    calls.push({
      name,
      input: { [field]: command, ...('description' in properties ? { description: 'scripted' } : {}) },
    });
  };
  if (turn.write !== undefined) {
    const { path, content } = turn.write;
    const tool = named(['Write', 'write', 'write_file']);
    const properties = objectOf(objectOf(tool?.['parameters'])['properties']);
    if (tool === undefined) shell(`printf '%s' '${content}' > ${path}`);
    else
      calls.push({
        name: textOf(tool['name']),
        input: { ['filePath' in properties ? 'filePath' : 'file_path']: path, content },
      });
  }
  if (turn.run !== undefined) shell(turn.run);
  return calls;
}
