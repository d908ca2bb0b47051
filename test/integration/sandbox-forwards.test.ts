import { readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import { createUnconfinedSandbox } from '../../runner/adapters/sandbox/unconfined.ts';
import { newMark, processesWith, removeFolders, runShell, temporaryFolder } from '../support/sandbox-runs.ts';

let server: Server;
let socketPath: string;
let mark: string;

beforeEach(async () => {
  mark = newMark();
  socketPath = join(temporaryFolder(), 'model.sock');
  server = createServer((request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => response.end(`answered ${request.url ?? ''} ${bytes}`));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  expect(processesWith(mark)).toEqual([]);
  removeFolders();
});

async function freePort(): Promise<number> {
  const probe = createTcpServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const bubblewrap = createBubblewrapSandbox({ watchMs: 50 });
const unconfined = createUnconfinedSandbox({ reason: 'a test', hint: 'none', watchMs: 50 });

describe.each([
  ['bubblewrap', bubblewrap],
  ['no sandbox', unconfined],
])('a forwarded port, with %s', (_name, sandbox) => {
  it('leads to the socket outside, for several requests and large bodies', async () => {
    const port = await freePort();
    const script = `curl -sS http://127.0.0.1:${port}/first; echo
      head -c 3000000 /dev/zero | curl -sS --data-binary @- http://127.0.0.1:${port}/second`;
    const result = await runShell(sandbox, script, { env: { MARK: mark }, forwards: [{ port, socketPath }] });
    expect(result.tail).toBe('answered /first 0\nanswered /second 3000000');
    expect(result.exitCode).toBe(0);
  });

  it('is gone with the run', async () => {
    const port = await freePort();
    await runShell(sandbox, 'true', { forwards: [{ port, socketPath }] });
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  it('hands on the exit code of the command', async () => {
    const port = await freePort();
    const result = await runShell(sandbox, 'exit 7', { forwards: [{ port, socketPath }] });
    expect(result.exitCode).toBe(7);
  });
});

describe('a sandbox with forwards', () => {
  it('has no other network, and no proxy in its environment', async () => {
    const port = await freePort();
    const result = await runShell(
      bubblewrap,
      `env | grep -ci proxy; curl -sS -m 3 http://1.1.1.1/ 2>&1; wc -l < /proc/net/route; ls /run/opus`,
      { forwards: [{ port, socketPath }] },
    );
    const lines = result.tail.trim().split('\n');
    expect(lines[0]).toBe('0');
    expect(result.tail).not.toContain('answered');
    expect(Number(lines.find((line) => /^\d+$/.test(line) && line !== '0') ?? '0')).toBeLessThanOrEqual(1);
    expect(lines.slice(-2)).toEqual([`port-${port}.sock`, expect.stringMatching(/^relay\./)]);
  });

  it('keeps its forwards beside the hosts it may reach', async () => {
    const outer = createServer((_request, response) => response.end('outer'));
    await new Promise<void>((resolve) => outer.listen(0, '127.0.0.1', resolve));
    const outerPort = (outer.address() as AddressInfo).port;
    const port = await freePort();
    const ask = (url: string) => `node -e "fetch('${url}').then((r) => r.text()).then(console.log, console.log)"`;
    const script = `${ask(`http://127.0.0.1:${port}/model`)}; ${ask(`http://localhost:${outerPort}/`)}`;
    const result = await runShell(bubblewrap, script, { forwards: [{ port, socketPath }], network: ['localhost'] });
    outer.closeAllConnections();
    outer.close();
    expect(result.tail).toBe('answered /model 0\nouter\n');
  });

  it('cannot replace the socket that it sees', async () => {
    const port = await freePort();
    const result = await runShell(
      bubblewrap,
      `rm -f /run/opus/port-${port}.sock 2>&1; mv /run/opus /run/other 2>&1; curl -sS http://127.0.0.1:${port}/still`,
      { forwards: [{ port, socketPath }] },
    );
    expect(result.tail).toContain('answered /still 0');
    expect(readdirSync(join(socketPath, '..'))).toEqual(['model.sock']);
  });

  it('ends with everything at the timeout', async () => {
    const port = await freePort();
    const result = await runShell(bubblewrap, 'sleep 600 & sleep 601', {
      env: { MARK: mark },
      forwards: [{ port, socketPath }],
      timeoutMs: 500,
    });
    expect(result.ending).toBe('timeout');
  });
});

describe('a port of this machine that is taken', () => {
  it('is told as such where there is no sandbox', async () => {
    const taken = createTcpServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    await expect(runShell(unconfined, 'true', { forwards: [{ port, socketPath }] })).rejects.toMatchObject({
      code: 'sandbox.start-failed',
      message: `The program needs port ${port} of this machine, which is not free.`,
    });
    await new Promise((resolve) => taken.close(resolve));
  });

  it('does not matter inside one', async () => {
    const taken = createTcpServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const result = await runShell(bubblewrap, `curl -sS http://127.0.0.1:${port}/mine`, {
      forwards: [{ port, socketPath }],
    });
    await new Promise((resolve) => taken.close(resolve));
    expect(result.tail).toBe('answered /mine 0');
  });
});
