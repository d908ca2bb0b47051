import { once } from 'node:events';

/** Compiled code, which grows for as long as the engine still learns what is worth compiling, is in spaces of its own. */
const usedByData = `process.getBuiltinModule('node:v8').getHeapSpaceStatistics()
  .filter(({ space_name: name }) => /^(old|new|large_object|new_large_object)(_space)?$/.test(name))
  .reduce((sum, { space_used_size: used }) => sum + used, 0)`;

/** The data that is still reachable in a process after a collection, through its inspector; megabytes. */
export async function liveHeapMB(inspector: string): Promise<number> {
  const socket = new WebSocket(inspector);
  await once(socket, 'open');
  try {
    let lastId = 0;
    const ask = (method: string, params: object = {}): Promise<Record<string, unknown>> =>
      new Promise((resolve) => {
        const id = (lastId += 1);
        const listen = ({ data }: MessageEvent): void => {
          const answer = JSON.parse(String(data)) as { id?: number; result?: Record<string, unknown> };
          if (answer.id !== id) return;
          socket.removeEventListener('message', listen);
          resolve(answer.result ?? {});
        };
        socket.addEventListener('message', listen);
        socket.send(JSON.stringify({ id, method, params }));
      });
    // What the first collection only lets go of, such as what a finalizer holds, the second one collects.
    await ask('HeapProfiler.collectGarbage');
    await ask('HeapProfiler.collectGarbage');
    const { result } = await ask('Runtime.evaluate', { expression: usedByData, returnByValue: true });
    return Number((result as { readonly value: unknown }).value) / 1024 ** 2;
  } finally {
    socket.close();
  }
}
