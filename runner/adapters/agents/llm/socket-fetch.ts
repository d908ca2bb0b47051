import { request } from 'node:http';
import { Readable } from 'node:stream';

/** Answers that must not have a body. */
const bodiless = [204, 205, 304];

/** `fetch` as the AI SDK calls it, through a unix socket: the host of the address does not count. The body streams. */
export function socketFetch(socketPath: string): typeof fetch {
  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      const address = new URL(input instanceof Request ? input.url : input);
      const outgoing = request({
        socketPath,
        path: `${address.pathname}${address.search}`,
        method: init.method ?? 'GET',
        headers: Object.fromEntries(new Headers(init.headers)),
        // A connection that is kept would outlive the attempt that the socket is for.
        agent: false,
        ...(init.signal ? { signal: init.signal } : {}),
      });
      outgoing.once('error', reject);
      outgoing.once('response', (incoming) => {
        const status = incoming.statusCode ?? 502;
        const headers = new Headers();
        for (const [name, value] of Object.entries(incoming.headers)) {
          for (const one of [value ?? []].flat()) headers.append(name, one);
        }
        const body = bodiless.includes(status) ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>);
        if (body === null) incoming.resume();
        resolve(new Response(body, { status, headers }));
      });
      outgoing.end(typeof init.body === 'string' ? init.body : undefined);
    });
}
