import type { ClientPlatform } from '../protocol/client/runner-client.ts';

/** The browser's own WebSocket and timers, which desktop and phone both have. */
export const browserPlatform: ClientPlatform = {
  openSocket(url, events) {
    const socket = new WebSocket(url);
    socket.addEventListener('open', () => {
      events.opened();
    });
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') events.received(data);
    });
    // An error is always followed by this.
    socket.addEventListener('close', ({ code, reason }) => {
      events.closed(code, reason);
    });
    return {
      send(text) {
        socket.send(text);
      },
      close(code, reason) {
        socket.close(code, reason);
      },
    };
  },
  now: () => Date.now(),
  random: () => Math.random(),
  after(milliseconds, action) {
    const timer = window.setTimeout(action, milliseconds);
    return () => {
      window.clearTimeout(timer);
    };
  },
};
