import { once } from 'node:events';

/** What is still reachable in a process after a collection, through its inspector; megabytes. */
export async function liveHeapMB(inspector: string): Promise<number> {
  const socket = new WebSocket(inspector);
  await once(socket, 'open');
  try {
    let lastId = 0;
    const ask = (method: string): Promise<Record<string, unknown>> =>
      new Promise((resolve) => {
        const id = (lastId += 1);
        const listen = ({ data }: MessageEvent): void => {
          const answer = JSON.parse(String(data)) as { id?: number; result?: Record<string, unknown> };
          if (answer.id !== id) return;
          socket.removeEventListener('message', listen);
          resolve(answer.result ?? {});
        };
        socket.addEventListener('message', listen);
        socket.send(JSON.stringify({ id, method }));
      });
    // What the first collection only lets go of, such as what a finalizer holds, the second one collects.
    await ask('HeapProfiler.collectGarbage');
    await ask('HeapProfiler.collectGarbage');
    return Number((await ask('Runtime.getHeapUsage'))['usedSize']) / 1024 ** 2;
  } finally {
    socket.close();
  }
}
