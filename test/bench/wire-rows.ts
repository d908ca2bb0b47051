import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import WebSocket from 'ws';
import { root, type Installed } from './installed.ts';
import { percentile, plainRow, type Row } from './measure.ts';
import type { WireSaid } from './wire-session.ts';

const clients = 50;
const perSecond = 200;
const seconds = 6;

interface Told {
  readonly method?: string;
  readonly params?: { readonly seq: number; readonly data: { readonly at: number } };
}

/** Events to 50 clients, each with its job, and then the same while one more client does not read. */
export async function wireRows(installed: Installed): Promise<Row[]> {
  const file = join(installed.folder, 'dist', 'runner', 'wire-session.mjs');
  await build({
    entryPoints: [join(root, 'test', 'bench', 'wire-session.ts')],
    outfile: file,
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    logLevel: 'warning',
    banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
  });
  const folder = mkdtempSync(join(tmpdir(), 'wire-bench-'));
  const session = spawn(process.execPath, [file, folder, '100', String(perSecond), String(seconds)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(session, 'exit');
  try {
    const lines = createInterface({ input: session.stdout })[Symbol.asyncIterator]();
    const said = async (): Promise<WireSaid> => JSON.parse(String((await lines.next()).value)) as WireSaid;
    const first = await said();
    if (!('url' in first)) throw new Error('the session said something else first');
    const latencies: number[] = [];
    const all = await Promise.all(
      Array.from({ length: clients }, () => connected(first.url, first.token, (latency) => latencies.push(latency))),
    );
    session.stdin.write('go\n');
    const quiet = await measured(await said(), all);
    const heard = latencies.splice(0);
    const slow = await connected(first.url, first.token, () => undefined);
    slow.socket.pause();
    session.stdin.write('go\n');
    const beside = await measured(await said(), all);
    for (const { socket } of [...all, slow]) socket.terminate();
    const what = `${clients} clients × ${perSecond} events/s with their jobs`;
    const p50 = percentile(heard, 0.5).toFixed(1);
    const note = `median ${p50} ms of ${heard.length}, ${((quiet.cpuMs / seconds / 1_000) * 100).toFixed(0)} % of a core`;
    return [
      plainRow(`${what}: recorded → read, p99`, 'ms', percentile(heard, 0.99), 50, note),
      plainRow('the same beside one that does not read, p99', 'ms', percentile(latencies, 0.99), 50),
      plainRow(
        'the most that resident memory grew meanwhile',
        'MB',
        beside.mostMB - beside.beganMB,
        20,
        `${beside.mostMB.toFixed(0)} MB`,
      ),
    ];
  } finally {
    session.stdin.end();
    const late = setTimeout(() => session.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(late);
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Client {
  readonly socket: WebSocket;
  seq(): number;
}

async function connected(url: string, token: string, told: (latency: number) => void): Promise<Client> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`);
  await once(socket, 'open');
  let seq = 0;
  const greeted = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const { method, params } = JSON.parse(data.toString()) as Told;
      if (method === undefined) resolve();
      if (method !== 'event' || params === undefined) return;
      seq = params.seq;
      told(performance.timeOrigin + performance.now() - params.data.at);
    });
  });
  const params = { protocol: 1, client: 'bench', token };
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'hello', params }));
  await greeted;
  return { socket, seq: () => seq };
}

/** When every client has all of it. */
async function measured(said: WireSaid, all: readonly Client[]): Promise<Extract<WireSaid, { mostMB: number }>> {
  if ('url' in said) throw new Error('the session said something else');
  const deadline = performance.now() + 20_000;
  while (all.some((client) => client.seq() < said.lastSeq)) {
    if (performance.now() > deadline) throw new Error('a client did not get all events');
    await delay(20);
  }
  return said;
}
