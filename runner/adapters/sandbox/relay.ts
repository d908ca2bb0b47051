/**
 * Runs inside the sandbox: hands connections on its loopback to sockets from outside, starts the command, with the
 * allow-list proxy as its proxy where there is one, and ends as the command ends. Imports nothing but Node, for nothing
 * else is there. Arguments: FORWARDS SOCKET NO_PROXY TUNNELS -- COMMAND…; FORWARDS is `PORT=SOCKET,…`, and an empty
 * SOCKET means no proxy.
 */
import { spawn } from 'node:child_process';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const [forwards = '', socketPath = '', noProxy = '', tunnels = '', , file = '', ...args] = process.argv.slice(2);

function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => {
      if (!from.readableEnded) to.destroy();
    });
    from.pipe(to);
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function forward(path: string): Server {
  return createServer({ allowHalfOpen: true }, (inside) => {
    join(inside, connect({ path, allowHalfOpen: true }));
  });
}

/** A port that looks like the outer loopback's own, for programs that know nothing of proxies. */
function tunnel(target: string): Server {
  return createServer({ allowHalfOpen: true }, (inside) => {
    const outside = connect({ path: socketPath, allowHalfOpen: true });
    inside.on('error', () => outside.destroy());
    outside.on('error', () => inside.destroy());
    outside.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
    let answer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      answer = Buffer.concat([answer, chunk]);
      const end = answer.indexOf('\r\n\r\n');
      if (end < 0) return;
      outside.off('data', onData);
      outside.pause();
      if (!answer.subarray(0, 12).toString('latin1').endsWith(' 200')) {
        inside.destroy();
        outside.destroy();
        return;
      }
      if (answer.length > end + 4) outside.unshift(answer.subarray(end + 4));
      join(inside, outside);
    };
    outside.on('data', onData);
  });
}

async function proxyEnvironment(): Promise<Record<string, string>> {
  const address = `http://127.0.0.1:${String(await listen(forward(socketPath), 0))}`;
  for (const target of listed(tunnels)) {
    await listen(tunnel(target), Number(target.slice(target.lastIndexOf(':') + 1))).catch(() => undefined);
  }
  return {
    ...{ HTTPS_PROXY: address, HTTP_PROXY: address, https_proxy: address, http_proxy: address },
    ...(noProxy === '' ? {} : { NO_PROXY: noProxy, no_proxy: noProxy }),
    // Node's own fetch heeds the others only with this.
    NODE_USE_ENV_PROXY: '1',
  };
}

function listed(text: string): string[] {
  return text.split(',').filter((entry) => entry !== '');
}

for (const entry of listed(forwards)) {
  const split = entry.indexOf('=');
  await listen(forward(entry.slice(split + 1)), Number(entry.slice(0, split)));
}
const child = spawn(file, args, {
  stdio: 'inherit',
  env: { ...process.env, ...(socketPath === '' ? {} : await proxyEnvironment()) },
});
child.on('error', (error) => {
  console.error(error.message);
  process.exit(127);
});
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => child.kill(signal));
}
