import { connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { OpusError } from '#shared/domain/errors.ts';
import type { SandboxRequest } from '../../core/ports/sandbox.ts';

/**
 * Ports of this machine's own loopback that lead to sockets, for a program that has no loopback of its own. Whatever runs
 * on this machine meanwhile reaches them too.
 */
export async function openHostForwards(forwards: NonNullable<SandboxRequest['forwards']>): Promise<{ close(): void }> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.once('close', () => sockets.delete(socket));
  };
  const close = (): void => {
    for (const server of servers) server.close();
    for (const socket of sockets) socket.destroy();
  };
  try {
    for (const { port, socketPath } of forwards) {
      const server = createServer({ allowHalfOpen: true }, (inside) => {
        const outside = connect({ path: socketPath, allowHalfOpen: true });
        pipeline(track(inside), track(outside), inside, () => undefined);
      });
      servers.push(server);
      await listening(server, port);
    }
  } catch (thrown) {
    close();
    throw thrown;
  }
  return { close };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const hint = 'Something else listens there: end it, or let runs have a sandbox, where each has ports of its own.';
      reject(
        new OpusError('sandbox.start-failed', `The program needs port ${port} of this machine, which is not free.`, {
          hint,
          cause: error,
        }),
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}
