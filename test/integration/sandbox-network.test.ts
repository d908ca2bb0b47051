import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAllowedHost, permission, isLocalAddress } from '../../runner/adapters/sandbox/allowed-hosts.ts';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import type { Sandbox } from '../../runner/core/ports/sandbox.ts';
import { newMark, processesWith, removeFolders, runShell, temporaryFolder } from '../support/sandbox-runs.ts';

let sandbox: Sandbox;
let server: Server;
let port: number;
let mark: string;
let requests: string[];
const proxyFolders = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`opus-proxy-${process.pid}-`));
let foldersBefore: string[];

beforeEach(async () => {
  foldersBefore = proxyFolders();
  sandbox = createBubblewrapSandbox({ watchMs: 50 });
  mark = newMark();
  requests = [];
  server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => response.end(`reached ${body}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as { port: number }).port;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  expect(processesWith(mark)).toEqual([]);
  expect(proxyFolders()).toEqual(foldersBefore);
  removeFolders();
});

/** Asks through the proxy even for loopback. */
const byProxy = 'export NO_PROXY= no_proxy=;';

describe('a listed host', () => {
  it('is reached directly, by absolute requests and by CONNECT', async () => {
    const url = `http://127.0.0.1:${port}`;
    const script = `curl -sS ${url}/direct; ${byProxy} curl -sS -d body ${url}/absolute?q=1; curl -sS -p ${url}/connect`;
    const result = await runShell(sandbox, script, { network: [`127.0.0.1:${port}`] });
    expect(result.tail).toBe('reached reached bodyreached ');
    expect(requests).toEqual(['GET /direct', 'POST /absolute?q=1', 'GET /connect']);
    expect(result.refusedHosts).toEqual([]);
  });

  it('is reached by Node and by Python', async () => {
    const script = `${byProxy} node -e "fetch('http://localhost:${port}/node').then((r) => r.text()).then(console.log)";
      python3 -c "import urllib.request as u; print(u.urlopen('http://localhost:${port}/python').read().decode())"`;
    const result = await runShell(sandbox, script, { network: ['localhost'] });
    expect(result.tail).toBe('reached \nreached \n');
  });

  it('serves packages to npm', async () => {
    const folder = temporaryFolder();
    const made = join(folder, 'made', 'package');
    mkdirSync(made, { recursive: true });
    writeFileSync(join(made, 'package.json'), '{"name":"tiny-package","version":"1.2.3"}');
    writeFileSync(join(made, 'index.js'), 'module.exports = "from the registry";');
    execFileSync('tar', ['-czf', join(folder, 'tiny.tgz'), '-C', join(folder, 'made'), 'package']);
    const tarball = readFileSync(join(folder, 'tiny.tgz'));
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
    const registry = `http://127.0.0.1:${port}/`;
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      if (request.url === '/tiny.tgz') return response.end(tarball);
      const version = { name: 'tiny-package', version: '1.2.3', dist: { tarball: `${registry}tiny.tgz`, integrity } };
      const known = request.url === '/tiny-package';
      response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
      return response.end(
        JSON.stringify(
          known ? { name: 'tiny-package', 'dist-tags': { latest: '1.2.3' }, versions: { '1.2.3': version } } : {},
        ),
      );
    });
    const project = join(folder, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{"name":"project","private":true}');
    const result = await runShell(
      sandbox,
      `npm install --no-audit --no-fund --registry ${registry} tiny-package && node -p "require('tiny-package')"`,
      { cwd: project, mounts: [{ source: project, mode: 'read-write' }], network: [`127.0.0.1:${port}`] },
    );
    expect(result.tail).toContain('from the registry');
    expect(result.exitCode).toBe(0);
  });
});

describe('any other host', () => {
  it('is refused by name and reported once', async () => {
    const script = `${byProxy} curl -sS http://elsewhere.example/; curl -sS http://elsewhere.example/again;
      curl -sS https://Secret.Example/ 2>&1; curl -sS https://odd.example:8443/ 2>&1; curl -sS http://127.0.0.1:${port}/`;
    const result = await runShell(sandbox, script, { network: ['allowed.example'] });
    expect(result.tail).toContain('elsewhere.example is not among the hosts');
    expect(result.tail).toContain('403');
    expect(result.refusedHosts).toEqual([
      'elsewhere.example',
      'secret.example',
      'odd.example:8443',
      `127.0.0.1:${port}`,
    ]);
    expect(requests).toEqual([]);
  });

  it('is not reached around the proxy', async () => {
    const script = `unset HTTP_PROXY http_proxy HTTPS_PROXY https_proxy; curl -sS -m 3 http://127.0.0.1:${port}/ 2>&1; curl -sS -m 3 http://1.1.1.1/ 2>&1`;
    const result = await runShell(sandbox, script, { network: ['allowed.example', '1.1.1.1'] });
    expect(result.tail).not.toContain('reached');
    expect(result.exitCode).not.toBe(0);
    expect(requests).toEqual([]);
  });

  it('is not reached by an odd request', async () => {
    const script = `exec 2>&1; s=/run/opus/proxy.sock
      for u in "http://127.0.0.1:${port}@allowed.example/" "http://allowed.example@127.0.0.1:${port}/"; do
        curl -sS -m 5 --unix-socket $s --request-target "$u" http://proxy/; done
      printf 'CONNECT 127.0.0.1:${port}/ HTTP/1.1\\r\\n\\r\\n' | curl -sS -m 5 --unix-socket $s -X CONNECT --request-target "127.0.0.1:${port}#allowed.example:443" http://proxy/
      curl -sS -m 5 --unix-socket $s -H "Host: 127.0.0.1:${port}" http://proxy/; true`;
    await runShell(sandbox, script, { network: ['allowed.example:1'] });
    expect(requests).toEqual([]);
  });

  it('is not this machine under another name', async () => {
    const result = await runShell(
      sandbox,
      `${byProxy} curl -sS http://localhost.localdomain:${port}/; curl -sS http://ip6-localhost:${port}/`,
      {
        network: ['localhost.localdomain', 'ip6-localhost'],
      },
    );
    expect(result.tail).not.toContain('reached');
    expect(requests).toEqual([]);
  });
});

describe('the relay', () => {
  it('hands on exit codes and signals', async () => {
    const network = ['allowed.example'];
    expect((await runShell(sandbox, 'exit 9', { network })).exitCode).toBe(9);
    expect((await runShell(sandbox, 'kill -TERM $$', { network })).exitCode).toBeNull();
  });

  it('ends with everything at the timeout', async () => {
    const result = await runShell(sandbox, 'sleep 600 & sleep 601', {
      env: { MARK: mark },
      network: ['allowed.example'],
      timeoutMs: 500,
    });
    expect(result.ending).toBe('timeout');
  });
});

describe('an entry of the list', () => {
  it.each([
    ['Example.COM', 'example.com', 443, true],
    ['example.com', 'www.example.com', 443, false],
    ['example.com:8080', 'example.com', 443, false],
    ['example.com:8080', 'example.com', 8080, true],
    ['*.example.com', 'www.example.com', 443, true],
    ['*.example.com', 'a.b.example.com', 443, true],
    ['*.example.com', 'example.com', 443, false],
    ['*.example.com', 'evilexample.com', 443, false],
    ['*.example.com:8080', 'www.example.com', 443, false],
    ['*.0.0.1', '127.0.0.1', 443, false],
    ['::1', '::1', 80, true],
    ['[0:0::1]:80', '::1', 80, true],
    ['[::1]:80', '::1', 81, false],
  ])('%s: %s port %i allowed is %s', (entry, host, wanted, allowed) => {
    expect(permission(host, wanted, [parseAllowedHost(entry)]).isAllowed).toBe(allowed);
  });

  it.each(['', 'http://example.com', 'a b', 'host:0', 'host:70000', '*', '*.', 'a*.b', '[::1', 'host/path'])(
    '%j is refused',
    (entry) => {
      expect(() => parseAllowedHost(entry)).toThrow(/is no host/);
    },
  );

  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['0.0.0.0', true],
    ['169.254.169.254', true],
    ['::1', true],
    ['::', true],
    ['fe80::1', true],
    ['::ffff:127.0.0.1', true],
    ['::ffff:169.254.169.254', true],
    ['64:ff9b::7f00:1', true],
    ['10.0.0.1', false],
    ['93.184.216.34', false],
    ['2606:2800:220:1::1', false],
  ])('address %s is local: %s', (address, local) => {
    expect(isLocalAddress(address)).toBe(local);
  });
});
