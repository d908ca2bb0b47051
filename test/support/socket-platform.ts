import { WebSocket } from 'ws';
import type { ClientPlatform } from '../../shared/protocol/client/runner-client.ts';

/** Real sockets and the real clock. */
export const socketPlatform: ClientPlatform = {
  openSocket(url, events) {
    const socket = new WebSocket(url);
    socket.on('open', () => {
      events.opened();
    });
    socket.on('message', (data: Buffer) => {
      events.received(data.toString('utf8'));
    });
    // An error is always followed by this.
    socket.on('close', (code, reason) => {
      events.closed(code, reason.toString('utf8'));
    });
    socket.on('error', () => undefined);
    return {
      send(text) {
        socket.send(text);
      },
      close() {
        socket.close();
      },
    };
  },
  now: () => Date.now(),
  random: () => Math.random(),
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
};
