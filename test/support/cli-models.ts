import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addUsage, noUsage, type TokenUsage } from '../../shared/domain/agent-event.ts';
import type { GatewayAccess, GatewayRefusal } from '../../runner/core/ports/gateway.ts';
import { objectOf, textOf, type JsonObject } from '../../runner/adapters/agents/json-values.ts';
import { protocols, scriptedUsage, type Call } from './cli-protocols.ts';

/** What the model says in one answer. The turn is told from the history in the request, so that a resumed agent goes on where it was. */
export interface ModelTurn {
  readonly text?: string;
  readonly write?: { readonly path: string; readonly content: string };
  readonly run?: string;
  /** A tool that nobody offered. */
  readonly unknownTool?: string;
  /** A shell command without the command. */
  readonly malformedCall?: true;
  readonly fault?: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    /** Begins to answer and cuts the connection. */
    readonly drop?: boolean;
    /** Never answers. */
    readonly hang?: boolean;
  };
}

export interface ModelRequest {
  readonly path: string;
  /** That was answered; -1 for what is asked beside the work. */
  readonly turn: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The turns one after the other, or what is said to a request: by its turn and its whole body. */
export type ModelScript = readonly ModelTurn[] | ((turn: number, body: string) => ModelTurn);

export interface CliModels {
  readonly socketPath: string;
  /** The same on loopback. */
  readonly url: string;
  readonly requests: readonly ModelRequest[];
  /** The server's own count, of the answers that it gave to their end. */
  counted(): TokenUsage;
  close(): Promise<void>;
}

/** Models on a unix socket and a port of loopback, under any path that ends as a provider's do, all by one script. */
export async function startCliModels(script: ModelScript): Promise<CliModels> {
  const folder = mkdtempSync(join(tmpdir(), 'm-'));
  const socketPath = join(folder, 's');
  const served: Served = { script, requests: [], counted: noUsage };
  const servers = [{ path: socketPath }, { host: '127.0.0.1', port: 0 }].map((place) => {
    const server = createServer((request, response) => {
      void answer(request, response, served).catch(() => response.destroy());
    });
    return { server, listening: new Promise<void>((resolve) => server.listen(place, resolve)) };
  });
  await Promise.all(servers.map(({ listening }) => listening));
  return {
    socketPath,
    url: `http://127.0.0.1:${(servers[1]?.server.address() as AddressInfo).port}`,
    requests: served.requests,
    counted: () => served.counted,
    close: async () => {
      for (const { server } of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Served {
  readonly script: ModelScript;
  readonly requests: ModelRequest[];
  counted: TokenUsage;
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

async function answer(request: IncomingMessage, response: ServerResponse, served: Served): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://models').pathname;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const body = objectOf(text === '' ? {} : (JSON.parse(text) as unknown));
  const protocol = protocols.find(({ pattern }) => pattern.test(path));
  const asked = protocol?.read(body) ?? { turn: -1, tools: [] };
  // Titles and summaries, which agents ask for beside their work.
  const aside = asked.tools.length === 0;
  served.requests.push({ path, turn: aside ? -1 : asked.turn, headers: request.headers, body: text });
  if (protocol === undefined) {
    json(response, path.endsWith('/models') ? 200 : 404, { data: [], models: [] });
    return;
  }
  const turn: ModelTurn = aside ? { text: 'ok' } : turnOf(served.script, asked.turn, text);
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
  const { input, cached, output } = scriptedUsage;
  const used = { input: input + cached, cacheRead: cached, cacheWrite: 0, output };
  served.counted = addUsage(served.counted, used);
}

function turnOf(script: ModelScript, turn: number, body: string): ModelTurn {
  const said = typeof script === 'function' ? script(turn, body) : script[turn];
  return said ?? { text: 'The script has ended.' };
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
  const shellTool = named(['Bash', 'bash', 'run_shell_command', 'exec_command', 'shell_command', 'shell', 'exec']);
  if (turn.malformedCall === true && shellTool !== undefined) {
    const custom = shellTool['custom'] === true;
    calls.push({ name: textOf(shellTool['name']), input: custom ? '{' : { commando: 7 }, custom });
  }
  const shell = (command: string): void => {
    if (shellTool === undefined) return;
    const name = textOf(shellTool['name']);
    if (shellTool['custom'] === true) {
      const source = `const r = await tools.exec_command(${JSON.stringify({ cmd: command })}); text(JSON.stringify(r));`;
      calls.push({ name, input: source, custom: true });
      return;
    }
    const properties = objectOf(objectOf(shellTool['parameters'])['properties']);
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
    if (tool === undefined) shell(`printf '%s' '${content.replaceAll("'", String.raw`'\''`)}' > ${path}`);
    else
      calls.push({
        name: textOf(tool['name']),
        input: { ['filePath' in properties ? 'filePath' : 'file_path']: path, content },
      });
  }
  if (turn.run !== undefined) shell(turn.run);
  return calls;
}
