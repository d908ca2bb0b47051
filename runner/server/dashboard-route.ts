import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OpusError } from '#shared/domain/errors.ts';
import { Refusal } from './refusals.ts';

export interface DashboardPlace {
  /** Where index.html, main.js and style.css were built to. */
  readonly folder: string;
  /** Under which a proxy shows the runner; the page must reach it there, too. */
  readonly publicUrl: string | null;
}

interface DashboardFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly packed: Buffer;
  readonly tag: string;
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};
/** What there must be; the script may have parts that it loads by itself. */
const always = ['index.html', 'main.js', 'style.css'];

const otherMethods = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Serves the page at `/`. It holds nothing secret: whoever opens it must sign in to see anything. */
export function addDashboardRoute(app: FastifyInstance, { folder, publicUrl }: DashboardPlace): void {
  // All or none, so that no page ever goes with the script of another build.
  let whole: Promise<ReadonlyMap<string, DashboardFile>> | null = null;
  const load = (): NonNullable<typeof whole> =>
    (whole ??= readAll(folder).catch((thrown: unknown) => {
      whole = null;
      throw thrown;
    }));

  const send = async (name: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const loaded = await load().catch(() => null);
    if (loaded === null && always.includes(name)) return sendNotBuilt(reply);
    const file = loaded?.get(name);
    if (!file) throw new Refusal(404, new OpusError('protocol.invalid', 'There is nothing here.'));
    reply.headers({
      'cache-control': 'no-cache',
      'content-security-policy': pagePolicy(request.headers.host ?? '', publicUrl),
      'cross-origin-opener-policy': 'same-origin',
      etag: file.tag,
      vary: 'accept-encoding',
    });
    if (knows(request, file.tag)) return reply.code(304).send();
    const packs = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|\s|$))/.test(request.headers['accept-encoding'] ?? '');
    if (packs) reply.header('content-encoding', 'gzip');
    return reply.type(file.type).send(packs ? file.packed : file.plain);
  };

  app.get('/', (request, reply) => send('index.html', request, reply));
  app.get<{ Params: { name: string } }>('/:name', (request, reply) => {
    const { name } = request.params;
    // It has one address.
    return send(name === 'index.html' ? '' : name, request, reply);
  });
  for (const url of ['/', '/main.js', '/style.css']) {
    app.route({
      method: otherMethods,
      url,
      // Before the body is read.
      onRequest: (_request, reply) => {
        reply.header('allow', 'GET, HEAD');
        throw new Refusal(405, new OpusError('protocol.invalid', 'The dashboard can only be read here.'));
      },
      handler: () => undefined,
    });
  }
}

/** Whoever writes into the page may run nothing, load nothing and send nothing elsewhere. */
function pagePolicy(host: string, publicUrl: string | null): string {
  const hosts = new Set([host, ...(publicUrl === null ? [] : [new URL(publicUrl).host])]);
  // Safari took `self` for http alone for years. An IPv6 address cannot be spelled in a policy.
  const sockets = [...hosts]
    .filter((name) => /^[\w.-]+(?::\d+)?$/.test(name))
    .map((name) => `ws://${name} wss://${name}`);
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    ["connect-src 'self'", ...sockets].join(' '),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function knows(request: FastifyRequest, tag: string): boolean {
  const named = request.headers['if-none-match'] ?? '';
  return named.split(',').some((one) => one.trim() === tag);
}

async function readAll(folder: string): Promise<ReadonlyMap<string, DashboardFile>> {
  const names = new Set([...always, ...(await readdir(folder)).filter((name) => /^[\w-]+\.js$/.test(name))]);
  const read = [...names].map(async (name): Promise<[string, DashboardFile]> => {
    const plain = await readFile(join(folder, name));
    const digest = createHash('sha256').update(plain).digest('base64url').slice(0, 22);
    const type = types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    return [name, { type, plain, packed: await promisify(gzip)(plain), tag: `W/"${digest}"` }];
  });
  return new Map(await Promise.all(read));
}

function sendNotBuilt(reply: FastifyReply): FastifyReply {
  return reply
    .code(503)
    .type('text/plain; charset=utf-8')
    .send('The dashboard was not built here. Run `npm run build` in the folder of Opus Orchestrator, then reload.\n');
}
