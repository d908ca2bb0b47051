import fc from 'fast-check';
import type { MethodName } from '../../shared/protocol/methods.ts';
import { methodParams } from '../../shared/protocol/method-params.ts';

export interface FrameShape {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly isFinal?: boolean;
  readonly isMasked?: boolean;
  /** Three bits that no extension was agreed for. */
  readonly reserved?: number;
  /** Named in place of the payload's own. */
  readonly length?: bigint;
}

/** A WebSocket frame as it stands on the wire, right or wrong. */
export function frameOf({
  opcode,
  payload,
  isFinal = true,
  isMasked = true,
  reserved = 0,
  length,
}: FrameShape): Buffer {
  const size = length ?? BigInt(payload.length);
  const head = [(isFinal ? 0x80 : 0) | (reserved << 4) | opcode];
  const mask = isMasked ? 0x80 : 0;
  if (size < 126n) head.push(mask | Number(size));
  else if (size < 65_536n) head.push(mask | 126, Number(size >> 8n), Number(size & 255n));
  else head.push(mask | 127, ...Array.from({ length: 8 }, (_, byte) => Number((size >> BigInt(56 - 8 * byte)) & 255n)));
  const key = isMasked ? [7, 11, 13, 17] : [];
  const body = isMasked ? payload.map((byte, index) => byte ^ (key[index % 4] ?? 0)) : payload;
  return Buffer.concat([Buffer.from(head), Buffer.from(key), Buffer.from(body)]);
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: unknown): FrameShape => ({ opcode: 1, payload: bytes(JSON.stringify(value)) });
const methodNames = Object.keys(methodParams) as MethodName[];
const poisoned = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'hello', ''];

const wild = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom<unknown>(null, -0, 1e308, -1, 2 ** 53, '\u0000', '\ud800', 'FR-1', true),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.nat(400).map((size) => 'x'.repeat(size * 50)),
  fc.integer({ min: 1, max: 4_000 }).map((depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`),
);
const key = fc.oneof(
  fc.constantFrom(...poisoned, 'job', 'fr', 'limit', 'waitMs', 'afterSeq', 'kind', 'code', 'device', 'token', 'since'),
  fc.string({ maxLength: 20 }),
);
const object = fc.array(fc.tuple(key, wild), { maxLength: 6 }).map((pairs) => {
  // As a parser would make it of text: a key of its own, whatever its name.
  const members = pairs.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `{${members.join(',')}}`;
});
const method = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<string>(...methodNames) },
  { weight: 1, arbitrary: fc.constantFrom(...poisoned) },
  { weight: 1, arbitrary: fc.string({ maxLength: 120 }) },
);
const id = fc.oneof(fc.integer(), fc.string({ maxLength: 120 }), wild);
const call = fc
  .tuple(id, method, object, fc.constantFrom('2.0', '2.0', '2.0', '2.0', '1.0', ''))
  .map(([named, called, params, version]) => {
    const start = `{"jsonrpc":${JSON.stringify(version)},"id":${JSON.stringify(named)}`;
    return `${start},"method":${JSON.stringify(called)},"params":${params}}`;
  });
const cut = fc.tuple(call, fc.nat(200)).map(([whole, at]) => whole.slice(0, at));
const batch = fc.array(call, { maxLength: 3 }).map((calls) => `[${calls.join(',')}]`);
const nested = fc
  .integer({ min: 1, max: 50_000 })
  .map(
    (depth) => `{"jsonrpc":"2.0","id":1,"method":"job.get","params":{"job":${'['.repeat(depth)}${']'.repeat(depth)}}}`,
  );

/** What a client that was let in may send as messages. */
export const hostileMessages = fc.oneof(
  { weight: 8, arbitrary: call },
  { weight: 2, arbitrary: cut },
  { weight: 1, arbitrary: batch },
  { weight: 1, arbitrary: wild.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }).map((value) => value.toWellFormed()) },
);
export const nestedMessages = nested;

const hello = (params: Record<string, unknown>): FrameShape =>
  text({ jsonrpc: '2.0', id: 1, method: 'hello', params: { protocol: 1, client: 'x', token: 'wrong', ...params } });
const raw = fc.uint8Array({ maxLength: 200 });

/** What somebody sends who was not let in: the frames of one connection. */
export const hostileFrames: fc.Arbitrary<Buffer> = fc.oneof(
  // Before a hello, and hellos that are none.
  hostileMessages.map((message) => frameOf({ opcode: 1, payload: bytes(message) })),
  object.map((params) =>
    frameOf(text({ jsonrpc: '2.0', id: 1, method: 'hello', params: JSON.parse(params) as unknown })),
  ),
  wild.map((value) => frameOf(hello({ token: value }))),
  wild.map((value) => frameOf(hello({ protocol: value }))),
  fc.tuple(wild, wild).map(([epoch, seq]) => frameOf(hello({ since: { epoch, seq } }))),
  // Frames that the standard forbids.
  fc.tuple(fc.nat(15), raw).map(([opcode, payload]) => frameOf({ opcode, payload })),
  fc.tuple(fc.nat(7), raw).map(([reserved, payload]) => frameOf({ opcode: 1, payload, reserved })),
  raw.map((payload) => frameOf({ opcode: 1, payload, isMasked: false })),
  raw.map((payload) => frameOf({ opcode: 2, payload })),
  fc
    .tuple(fc.constantFrom(8, 9, 10), fc.nat(2_000))
    .map(([opcode, size]) => frameOf({ opcode, payload: new Uint8Array(size) })),
  fc.tuple(fc.constantFrom(8, 9, 10), raw).map(([opcode, payload]) => frameOf({ opcode, payload, isFinal: false })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((length) => frameOf({ opcode: 1, payload: bytes('x'), length })),
  // Text that is no UTF-8.
  fc
    .constantFrom([0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82])
    .map((payload) => frameOf({ opcode: 1, payload: Uint8Array.from(payload) })),
  // Fragments: without a beginning, without an end, with another message in between, and more than anybody needs.
  fc
    .array(fc.tuple(fc.constantFrom(0, 0, 1, 2, 9), raw, fc.boolean()), { minLength: 1, maxLength: 12 })
    .map((parts) => Buffer.concat(parts.map(([opcode, payload, isFinal]) => frameOf({ opcode, payload, isFinal })))),
  fc.integer({ min: 1_000, max: 1_500 }).map((count) => {
    const first = frameOf({ opcode: 1, payload: bytes('x'), isFinal: false });
    const next = frameOf({ opcode: 0, payload: bytes('x'), isFinal: false });
    return Buffer.concat([first, ...Array.from({ length: count }, () => next)]);
  }),
  // What is no frame at all.
  fc.uint8Array({ maxLength: 400 }).map((noise) => Buffer.from(noise)),
  fc.constant(Buffer.from('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n')),
);

const headerName = fc.constantFrom(
  ...['host', 'connection', 'upgrade', 'sec-websocket-version', 'sec-websocket-key', 'origin', 'authorization'],
  ...['sec-websocket-extensions', 'sec-websocket-protocol', 'content-length', 'transfer-encoding', 'x-forwarded-for'],
);
const headerValue = fc.oneof(
  fc.constantFrom(
    '',
    'Upgrade',
    'websocket',
    'h2c',
    '13',
    '7',
    'evil.example',
    'null',
    'Bearer wrong',
    'permessage-deflate',
  ),
  fc.constantFrom(
    'https://evil.example',
    'app://obsidian.md.evil.example',
    'chunked',
    '5',
    '-1',
    'localhost',
    '[::',
    '::',
  ),
  fc.string({ maxLength: 60 }).map((value) => value.replaceAll(/[^\x20-\x7e]/g, '~')),
  fc.nat(300).map((size) => 'a'.repeat(size * 40)),
);
const path = fc.constantFrom(
  '/ws',
  '/ws',
  '/ws',
  '/ws?x=1',
  '/WS',
  '/ws/',
  '//ws',
  '/ws/../ws',
  '*',
  '/',
  '/api/v1/rpc',
  '/%77s',
);

/** Requests for a WebSocket of which something is not as it should be; `null` leaves a header out. */
export const hostileHandshakes: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('GET', 'GET', 'GET', 'POST', 'HEAD', 'CONNECT', 'PUT', 'get', ''),
    path,
    fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', ''),
    fc.array(fc.tuple(headerName, fc.option(headerValue, { nil: null })), { minLength: 1, maxLength: 5 }),
    fc.constantFrom('\r\n\r\n', '\r\n\r\n', '\n\n', '\r\n'),
  )
  .map(([verb, asked, version, changed, end]) => {
    const headers = new Map<string, string | null>([
      ['host', 'localhost'],
      ['connection', 'Upgrade'],
      ['upgrade', 'websocket'],
      ['sec-websocket-version', '13'],
      ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ...changed,
    ]);
    const lines = [...headers].flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
    return `${[`${verb} ${asked} ${version}`, ...lines].join('\r\n')}${end}`;
  });
