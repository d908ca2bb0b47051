import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createHostGit } from '../../runner/adapters/git/host-git.ts';

interface Listening {
  readonly url: string;
  readonly seen: IncomingHttpHeaders[];
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function listening(answer: RequestListener): Promise<Listening> {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const git = createHostGit();
const canary = 'Basic Y2FuYXJ5';
const notThere: RequestListener = (_, response) => response.writeHead(404).end();

const ask = (url: string, credentialsOf: string) =>
  git.run(['ls-remote', '--', `${url}/me/web.git`], {
    authorization: { url: `${credentialsOf}/me/web.git`, value: canary },
  });

it('gives its credentials to the server that they are for', async () => {
  const server = await listening(notThere);
  await ask(server.url, server.url);
  expect(server.seen.map(({ authorization }) => authorization)).toContain(canary);
});

it('gives its credentials to no other server', async () => {
  const [ours, other] = [await listening(notThere), await listening(notThere)];
  await ask(other.url, ours.url);
  expect(other.seen.length).toBeGreaterThan(0);
  expect(other.seen.map(({ authorization }) => authorization)).not.toContain(canary);
});

it('goes nowhere with them when it is redirected', async () => {
  const other = await listening(notThere);
  const ours = await listening((request, response) =>
    response.writeHead(302, { location: `${other.url}${request.url ?? ''}` }).end(),
  );
  expect((await ask(ours.url, ours.url)).exitCode).not.toBe(0);
  expect(ours.seen.map(({ authorization }) => authorization)).toContain(canary);
  expect(other.seen).toEqual([]);
});
