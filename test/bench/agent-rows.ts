import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import type { NativeKind } from '../../runner/adapters/agents/native/native-cli.ts';
import { defaultSandboxLimits } from '../../runner/core/ports/sandbox.ts';
import { installedCli, nativeKinds } from '../support/agent-clis.ts';
import { startCliModels } from '../support/cli-models.ts';
import { agentLab, benchGateway, openWay } from './agent-lab.ts';
import { alternately, median, type Row } from './measure.ts';

const cliRounds = 3;
const standInRounds = 11;
const sandboxRounds = 21;
const streamRounds = 11;
const chunks = 1_000;

/** Answers one task with two responses: a file is written and the result left, then it says that it is done. */
const script = [
  {
    text: 'Writing.',
    write: { path: 'hello.txt', content: 'hello' },
    run: `printf '{"summary":"did it"}' > "$OPUS_RESULT_FILE"`,
  },
  { text: 'All done.' },
];

/** A CLI that takes no time of its own: asks once, leaves its result. */
const standIn = `#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
const messages = [{ role: 'user', content: 'go on' }];
const response = await fetch(process.env.ANTHROPIC_BASE_URL + '/v1/messages', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 9, stream: true, tools: [], messages }),
});
if (!(await response.text()).includes('message_stop')) process.exit(1);
writeFileSync(process.env.OPUS_RESULT_FILE, '{"summary":"did it"}');
console.log(JSON.stringify({ type: 'result', subtype: 'success', is_error: false, result: 'done' }));
`;

export async function agentRows(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-agents-'));
  try {
    const rows = [await sandboxRow(folder), ...(await streamRows())];
    const program = join(folder, 'stand-in.mjs');
    writeFileSync(program, standIn);
    chmodSync(program, 0o755);
    rows.push(await agentRow(folder, 'claude', program, 'a CLI that asks once and does nothing', standInRounds));
    for (const kind of nativeKinds) {
      const cli = installedCli(kind);
      if (cli === null) process.stderr.write(`NOT MEASURED: ${kind} is not installed (scripts/install-agents.mjs)\n`);
      else rows.push(await agentRow(folder, kind, cli.path, `${kind} ${cli.version}, one small task`, cliRounds));
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function agentRow(folder: string, kind: NativeKind, program: string, what: string, rounds: number): Promise<Row> {
  const models = await startCliModels(script);
  const lab = agentLab(mkdtempSync(join(folder, 'lab-')), kind, program, models.url);
  try {
    // What a CLI does at its first start, and what lies in no cache yet, is not compared.
    await lab.bare();
    await lab.driven();
    const { one, other } = await alternately(rounds, lab.driven, lab.bare);
    return row(`${what}: in the sandbox, through the gateway`, one, 'by itself', other);
  } finally {
    await lab.close();
    await models.close();
  }
}

function row(what: string, measured: number, name: string, value: number): Row {
  return { what, unit: 'ms', measured, reference: { name, value }, limit: null };
}

async function sandboxRow(folder: string): Promise<Row> {
  const sandbox = createBubblewrapSandbox();
  const run = (): Promise<unknown> =>
    sandbox.run({
      ...{ argv: ['/bin/true'], cwd: folder, env: {}, mounts: [{ source: folder, mode: 'read-only' }], hidden: [] },
      ...{ network: [], limits: defaultSandboxLimits, timeoutMs: 60_000 },
    });
  await run();
  const { one, other } = await alternately(sandboxRounds, run, () => execFileSync('/bin/true'));
  return row('the sandbox around `true`', one, '`true`', other);
}

/** One streamed response, written as fast as it is taken. */
async function streamRows(): Promise<Row[]> {
  const delta = {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: 'some words that it says' },
  };
  const piece = `event: content_block_delta\ndata: ${JSON.stringify(delta)}\n\n`;
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let count = 0; count < chunks; count += 1) response.write(piece);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const gateway = benchGateway(`http://127.0.0.1:${port}`);
  const access = await openWay(gateway, 'anthropic');
  const firsts = { direct: [] as number[], gateway: [] as number[] };
  const ask = async (way: keyof typeof firsts): Promise<void> => {
    const place = way === 'direct' ? { host: '127.0.0.1', port } : { socketPath: access.socketPath };
    const path = way === 'direct' ? '/v1/messages' : '/anthropic/v1/messages';
    const began = performance.now();
    const asked = httpRequest({ ...place, path, method: 'POST', headers: { 'content-type': 'application/json' } });
    asked.end(JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 9, stream: true, messages: [] }));
    const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>];
    let bytes = 0;
    for await (const chunk of response) {
      if (bytes === 0) firsts[way].push(performance.now() - began);
      bytes += chunk.length;
    }
    if (bytes !== piece.length * chunks) throw new Error(`Of the stream ${bytes} bytes came ${way}.`);
  };
  try {
    for (let warm = 0; warm < 3; warm += 1) for (const way of ['gateway', 'direct'] as const) await ask(way);
    firsts.direct.length = firsts.gateway.length = 0;
    const { one, other } = await alternately(
      streamRounds,
      () => ask('gateway'),
      () => ask('direct'),
    );
    const what = `a streamed response of ${chunks} chunks through the gateway`;
    return [
      row(`${what}, whole`, one, 'direct', other),
      row('the same, to its first byte', median(firsts.gateway), 'direct', median(firsts.direct)),
    ];
  } finally {
    await access.close();
    await gateway.close();
    server.closeAllConnections();
    server.close();
  }
}
