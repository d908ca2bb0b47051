import { request } from 'node:http';
import { encode } from 'uqr';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { listDevices, revokeDevice } from '../../runner/cli/devices.ts';
import { pair } from '../../runner/cli/pair.ts';
import { runProgram } from '../../runner/cli/program.ts';
import { acquireRunnerLock } from '../../runner/adapters/registry/runner-lock.ts';
import { readServiceFile } from '../../runner/server/service-file.ts';
import type { DeviceDocument } from '../../shared/protocol/method-results.ts';
import { rpcPath } from '../../shared/protocol/version.ts';
import { makeControlLab, type ControlLab } from '../support/control-lab.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { openWire } from '../support/wire-client.ts';

let lab: ControlLab;
const start = (config: readonly string[] = []): void => {
  lab = makeControlLab({ config });
  onTestFinished(() => lab.close());
};
const terminalHere = () => fakeTerminal({ cwd: lab.folder, environment: { USER: 'ada' } });

interface Paired {
  readonly code: string;
  readonly link: string;
  readonly url: string;
  readonly dashboard: string;
  readonly role: string;
  readonly person: string;
}

async function pairAsJson(options: Partial<Parameters<typeof pair>[1]> = {}): Promise<Paired> {
  const terminal = terminalHere();
  expect(await pair(terminal, { role: 'approver', person: 'ada', json: true, ...options })).toBe(0);
  return JSON.parse(terminal.outLines.join('\n')) as Paired;
}

async function listed(): Promise<DeviceDocument[]> {
  const terminal = terminalHere();
  expect(await listDevices(terminal, { json: true })).toBe(0);
  return JSON.parse(terminal.outLines.join('\n')) as DeviceDocument[];
}

/** As the plugin changes a code into a token. */
async function changeCode(url: string, code: string, device: string): Promise<{ token: string }> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'device.pair', params: { code, device } });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const answer = await new Promise<{ result: { token: string } }>((resolve, reject) => {
    const sent = request(new URL(rpcPath, url), { method: 'POST', headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve(JSON.parse(text) as never);
      });
    });
    sent.on('error', reject).end(body);
  });
  return answer.result;
}

describe('opus pair and devices', () => {
  beforeEach(() => {
    start();
  });

  it('pair beside a running service; a revoked device is cut off at once', async () => {
    await lab.serve();
    const { url } = readServiceFile(lab.data) ?? { url: '' };
    const offer = await pairAsJson({ role: 'operator' });
    expect(offer).toMatchObject({ url, role: 'operator', person: 'ada', dashboard: `${url}/#pair=${offer.code}` });
    expect(Object.fromEntries(new URL(offer.link).searchParams)).toEqual({ url, code: offer.code });
    const { token } = await changeCode(url, offer.code, 'a phone');
    expect(await listed()).toMatchObject([{ name: 'a phone', role: 'operator', person: 'ada', connected: false }]);
    const wire = await openWire(url);
    expect(await wire.hello({ token })).toMatchObject({ role: 'operator', person: 'ada', device: 'a phone' });
    const board = await wire.call('board.get');
    expect(board).toMatchObject({ jobs: [], runner: { url } });
    expect(await listed()).toMatchObject([{ connected: true }]);
    const terminal = terminalHere();
    expect(await revokeDevice(terminal, 'a phone', {})).toBe(0);
    expect(terminal.outLines).toEqual(['a phone may not connect any more.']);
    expect(await wire.closed).toMatchObject({ code: 4401 });
    expect(await listed()).toEqual([]);
    const again = await openWire(url);
    await expect(again.hello({ token })).rejects.toMatchObject({ code: 'protocol.unauthorized' });
  });

  it('pair while no service runs, and the service knows the device when it starts', async () => {
    const { code } = await pairAsJson();
    await lab.serve();
    const { url } = readServiceFile(lab.data) ?? { url: '' };
    const { token } = await changeCode(url, code, 'a desk');
    const wire = await openWire(url);
    const hello = await wire.hello({ token });
    expect(hello).toMatchObject({ role: 'approver', device: 'a desk' });
    expect(await wire.call('board.get')).toMatchObject({ epoch: hello.epoch });
  });

  it('pair and revoke while another command works on the data folder', async () => {
    await pairAsJson();
    const lock = acquireRunnerLock(lab.data);
    onTestFinished(() => {
      lock.release();
    });
    expect((await pairAsJson()).code).toMatch(/^\w{5}-\w{5}$/);
    expect(await listed()).toEqual([]);
    await expect(revokeDevice(terminalHere(), 'x', {})).rejects.toThrow('There is no device "x".');
  });

  it('print how to go on, with a QR code of the link and what to mind', async () => {
    const terminal = terminalHere();
    expect(await runProgram(['pair', '--role', 'viewer', '--person', 'bob'], terminal)).toBe(0);
    const text = terminal.outLines.join('\n');
    expect(text).toContain('Pair a device as viewer for bob');
    expect(text).toMatch(/code {5}[2-9A-Z]{5}-[2-9A-Z]{5}\n/);
    const link = terminal.outLines.find((line) => line.includes('obsidian://'))?.trim() ?? '';
    expect(modulesOf(terminal.outLines, false)).toEqual(darkModules(link));
    const code = new URL(link).searchParams.get('code') ?? '';
    expect(terminal.outLines.filter((line) => line.includes('/#pair=')).map((line) => line.trim())).toEqual([
      expect.stringMatching(new RegExp(`^http://127\\.0\\.0\\.1:\\d+/#pair=${code}$`)),
    ]);
    expect(terminal.errLines.join('\n')).toMatch(/Only this machine reaches .*server\.publicUrl/);
    expect(terminal.errLines.join('\n')).toContain('No service runs here');
  });

  it('draw dark on light where there are colours', async () => {
    const terminal = {
      ...terminalHere(),
      paint: (_stream: 'out' | 'err', _format: unknown, line: string) => `<${line}>`,
    };
    await pair(terminal, { role: 'viewer' });
    const lines = terminal.outLines.map((line) => line.replace(/^<(.*)>$/, '$1'));
    const link = lines.find((line) => line.includes('obsidian://'))?.trim() ?? '';
    expect(modulesOf(lines, true)).toEqual(darkModules(link));
  });

  it.each([
    [['pair', '--role', 'owner'], 'Allowed choices are viewer, operator, approver, admin.'],
    [['pair', '--person', ' '], '--person must be a name'],
    [['devices', 'revoke'], 'missing required argument'],
  ])('refuse %j', async (words, message) => {
    await expect(runProgram(words, terminalHere())).rejects.toThrow(new RegExp(message, 'i'));
  });
});

describe('a public address', () => {
  it('is the one in the link, without a warning', async () => {
    start(['server: { port: 0, publicUrl: "https://runner.example.org/opus" }']);
    const terminal = terminalHere();
    await pair(terminal, { role: 'viewer', json: true });
    const offer = JSON.parse(terminal.outLines.join('\n')) as Paired;
    expect(offer.url).toBe('https://runner.example.org/opus');
    expect(offer.dashboard).toBe(`https://runner.example.org/opus/#pair=${offer.code}`);
    expect(terminal.errLines.join('\n')).not.toContain('Only this machine');
  });
});

/** What a camera would see, of what was printed in a colour or not. */
function modulesOf(lines: readonly string[], printedIsDark: boolean): boolean[][] {
  const printed = lines.filter((line) => /^[█▀▄ ]{20,}$/u.test(line));
  const rows = printed.flatMap((line) => [
    line.split('').map((sign) => '█▀'.includes(sign) === printedIsDark),
    line.split('').map((sign) => '█▄'.includes(sign) === printedIsDark),
  ]);
  // A last line of which only the upper half is needed.
  return rows.slice(0, rows[0]?.length);
}

function darkModules(text: string): boolean[][] {
  return encode(text, { ecc: 'L', border: 2 }).data;
}
