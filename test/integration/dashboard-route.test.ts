import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startServer, type Answer, type RunningServer } from '../support/server-lab.ts';
import { loopbackServer } from '../support/server-stand-in.ts';

const page = { 'index.html': '<!doctype html><title>é</title>', 'main.js': 'start()', 'style.css': 'body{}' };
const paths = ['/', '/main.js', '/style.css'];

async function aFolder(files: Readonly<Record<string, string>> = page): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'opus-dashboard-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

async function serve(options: Parameters<typeof startServer>[0] = {}): Promise<RunningServer> {
  return await startServer({ dashboard: await aFolder(), ...options });
}

function policyOf({ headers }: Answer): Record<string, string> {
  const parts = String(headers['content-security-policy']).split('; ');
  return Object.fromEntries(parts.map((part) => [part.split(' ')[0] ?? '', part.split(' ').slice(1).join(' ')]));
}

/** As it is written, without what a client makes of an address first. */
async function asked(server: RunningServer, line: string): Promise<string> {
  const { host } = new URL(server.url);
  const socket = await server.connection();
  // A caller who ends his side gets no answer that takes longer than a moment.
  socket.write(`${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  return text;
}

describe('the dashboard, served', () => {
  it('gives the page, its script and its style as what they are', async () => {
    const server = await serve();
    const answers = await Promise.all(paths.map((path) => server.ask(path)));
    expect(answers.map(({ status, text, headers }) => [status, text, headers['content-type']])).toEqual([
      [200, page['index.html'], 'text/html; charset=utf-8'],
      [200, page['main.js'], 'text/javascript; charset=utf-8'],
      [200, page['style.css'], 'text/css; charset=utf-8'],
    ]);
  });

  it('lets the page run, load and reach nothing but the runner', async () => {
    const server = await serve();
    const { host } = new URL(server.url);
    for (const path of paths) {
      const answer = await server.ask(path);
      expect(policyOf(answer)).toEqual({
        'default-src': "'none'",
        'script-src': "'self'",
        'style-src': "'self'",
        'img-src': "'self' data:",
        'connect-src': `'self' ws://${host} wss://${host}`,
        'base-uri': "'none'",
        'form-action': "'none'",
        'frame-ancestors': "'none'",
      });
      expect(answer.headers).toMatchObject({
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
    }
  });

  it('names the public address too, which a proxy may keep from the runner', async () => {
    const server = await serve({ config: { ...loopbackServer, publicUrl: 'https://opus.example.org:8443/' } });
    const { host } = new URL(server.url);
    expect(policyOf(await server.ask('/'))['connect-src']).toBe(
      `'self' ws://${host} wss://${host} ws://opus.example.org:8443 wss://opus.example.org:8443`,
    );
  });

  it('gives the parts that the script loads by itself', async () => {
    const server = await serve({ dashboard: await aFolder({ ...page, 'part-A1.js': 'more()' }) });
    const { status, text, headers } = await server.ask('/part-A1.js');
    expect([status, text, headers['content-type']]).toEqual([200, 'more()', 'text/javascript; charset=utf-8']);
  });

  it('leaves the stricter policy to everything else', async () => {
    const server = await serve();
    for (const path of ['/healthz', '/nowhere']) {
      expect((await server.ask(path)).headers['content-security-policy']).toBe(
        "default-src 'none'; frame-ancestors 'none'",
      );
    }
  });

  it('asks to be looked up again, and says when nothing is new', async () => {
    const server = await serve();
    const first = await server.ask('/main.js');
    expect(first.headers['cache-control']).toBe('no-cache');
    const tag = String(first.headers.etag);
    const again = await server.ask('/main.js', { headers: { 'if-none-match': `"other", ${tag}` } });
    expect([again.status, again.text, again.headers.etag]).toEqual([304, '', tag]);
    expect((await server.ask('/style.css', { headers: { 'if-none-match': tag } })).status).toBe(200);
  });

  it('packs what a browser can unpack', async () => {
    const server = await serve();
    const packed = await fetch(new URL('/main.js', server.url));
    expect([packed.headers.get('content-encoding'), await packed.text()]).toEqual(['gzip', page['main.js']]);
    for (const encoding of ['identity', 'gzip;q=0', 'br']) {
      const { headers, text } = await server.ask('/main.js', { headers: { 'accept-encoding': encoding } });
      expect([headers['content-encoding'], text]).toEqual([undefined, page['main.js']]);
    }
  });

  it('answers HEAD with the same headers and no body', async () => {
    const server = await serve();
    const got = await server.ask('/');
    const head = await server.ask('/', { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
    for (const name of ['etag', 'content-type', 'content-length', 'content-security-policy']) {
      expect(head.headers[name]).toBe(got.headers[name]);
    }
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('takes no %s', async (method) => {
    const server = await serve();
    for (const path of paths) {
      const { status, headers } = await server.ask(path, { method, headers: { 'content-type': 'text/plain' } });
      expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
    }
  });

  it.each([
    '/index.html',
    '/index.html/',
    '/../secret',
    '/..%2fsecret',
    '/%2e%2e/secret',
    '/main.js/../secret',
    '/main.js%00',
    '/main.js.map',
    '//main.js',
    '/secret',
    '/style.css/',
    '\\..\\secret',
  ])('gives nothing at %s', async (path) => {
    const server = await serve({ dashboard: await aFolder({ ...page, secret: 'hidden', 'main.js.map': 'hidden' }) });
    const text = await asked(server, `GET ${path}`);
    expect(text).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(text).not.toContain('hidden');
  });

  it('refuses a page whose name was made to lead here', async () => {
    const server = await serve();
    expect((await server.ask('/', { headers: { host: 'evil.example' } })).status).toBe(403);
  });

  it('says what to run while it was not built, and serves it once it was', async () => {
    const folder = await aFolder({ 'index.html': page['index.html'], 'main.js': page['main.js'] });
    const server = await startServer({ dashboard: folder });
    const before = await server.ask('/');
    expect([before.status, before.text]).toEqual([503, expect.stringContaining('npm run build')]);
    await writeFile(join(folder, 'style.css'), page['style.css']);
    expect((await server.ask('/')).status).toBe(200);
    await writeFile(join(folder, 'main.js'), 'of another build');
    expect((await server.ask('/main.js')).text).toBe(page['main.js']);
  });

  it('is not there where nobody asked for it', async () => {
    const server = await startServer();
    expect((await server.ask('/')).status).toBe(404);
  });
});
