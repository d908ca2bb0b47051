import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import { defaultSandboxLimits, type Sandbox } from '../../runner/core/ports/sandbox.ts';
import { newMark, processesWith, removeFolders, runShell, temporaryFolder } from '../support/sandbox-runs.ts';

let sandbox: Sandbox;
let mark: string;
beforeEach(() => {
  sandbox = createBubblewrapSandbox({ watchMs: 50 });
  mark = newMark();
});
afterEach(() => {
  expect(processesWith(mark)).toEqual([]);
  removeFolders();
});

describe('the kernel as an agent sees it', () => {
  it('has no setting that can be changed', async () => {
    const { tail } = await runShell(
      sandbox,
      `find /proc/sys -type f -writable 2>/dev/null | while read -r f; do (: >> "$f") 2>/dev/null && echo "$f"; done; echo done`,
    );
    expect(tail).toBe('done\n');
  });

  it('does not take a program to run on crashes', async () => {
    // Opened and not written: a sandbox that is broken must not change the machine that tests it.
    const { tail } = await runShell(sandbox, '(: >> /proc/sys/kernel/core_pattern) 2>&1; ulimit -Hc');
    expect(tail).toMatch(/read-only|denied/i);
    expect(tail).toMatch(/\n0\n$/);
  });

  it('has nothing writable in /proc beyond its own processes', async () => {
    const { tail } = await runShell(
      sandbox,
      `find /proc -type f -perm /0222 -writable -not -path '/proc/[0-9]*' -not -path '/proc/self/*' -not -path '/proc/thread-self/*' 2>/dev/null |
         while read -r f; do [ -c "$f" ] || echo "$f"; done
       cat /proc/kcore /proc/keys /proc/timer_list /proc/mtrr 2>/dev/null; echo done`,
    );
    expect(tail).toBe('done\n');
  });

  it('shows only processes of the run', async () => {
    const { tail } = await runShell(sandbox, 'ls /proc | grep -c "^[0-9]"; ls /proc/*/cwd >/dev/null');
    expect(Number(tail.split('\n')[0])).toBeLessThan(10);
  });

  it('has no capability and no way to one', async () => {
    const { tail } = await runShell(sandbox, 'grep -E "^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)" /proc/self/status');
    expect(tail.match(/0{16}/g)).toHaveLength(5);
    expect(tail).toContain('NoNewPrivs:\t1');
  });

  it('makes no further namespaces', async () => {
    const { tail } = await runShell(
      sandbox,
      'unshare --user true 2>&1 || echo refused; unshare --mount true 2>&1 || echo refused',
    );
    expect(tail.match(/refused/g)).toHaveLength(2);
  });

  it('has no device but the harmless ones', async () => {
    const { tail } = await runShell(
      sandbox,
      'find /dev ! -type d ! -type l | sort | tr "\\n" " "; mknod /tmp/sda b 8 0 2>&1 || true',
    );
    expect(tail).toMatch(
      /^\/dev\/full \/dev\/null (\/dev\/ptmx |\/dev\/pts\/ptmx )?\/dev\/random \/dev\/tty \/dev\/urandom \/dev\/zero/,
    );
    expect(tail).toMatch(/not permitted/);
  });
});

describe('the environment of the runner', () => {
  it('is nowhere inside', async () => {
    process.env['OPUS_TEST_SECRET'] = 'canary-environment';
    try {
      const { tail } = await runShell(sandbox, 'cat /proc/*/environ | tr "\\0" "\\n" | sort -u; env', {
        env: { GIVEN: 'given' },
      });
      expect(tail).toContain('GIVEN=given');
      expect(tail).not.toContain('canary-environment');
      expect([...new Set(tail.match(/^[A-Z_]+(?==)/gm))].sort()).toEqual(['GIVEN', 'HOME', 'PATH', 'PWD']);
    } finally {
      delete process.env['OPUS_TEST_SECRET'];
    }
  });

  it('is shown to no other user of the machine in the arguments of a process', async () => {
    let command = '';
    await runShell(sandbox, 'echo ready; sleep 0.3', {
      env: { TOKEN: 'canary-argument' },
      onOutput: () => (command = execFileSync('ps', ['axww', '-o', 'args'], { encoding: 'utf8' })),
    });
    expect(command).toContain('bwrap');
    expect(command).not.toContain('canary-argument');
  });
});

describe('files', () => {
  it('of the system that are secret are not there', async () => {
    const { tail } = await runShell(
      sandbox,
      'for f in /etc/shadow /etc/gshadow /etc/sudoers /etc/ssh /root/.ssh /var/lib /var/log /run/docker.sock /run/user /sys /boot /home; do ls -d "$f" 2>/dev/null; done; ls -A /etc/ssl/private 2>/dev/null; echo done',
    );
    expect(tail).toBe('done\n');
  });

  it('of the home folder are not there, and what is written there is gone afterwards', async () => {
    const home = temporaryFolder('opus-home-');
    writeFileSync(join(home, 'canary'), 'secret');
    mkdirSync(join(home, '.ssh'));
    const own = createBubblewrapSandbox({ home });
    const script = 'echo "$HOME"; ls -A "$HOME"; touch "$HOME/mine" && echo written';
    expect((await runShell(own, script)).tail).toBe(`${home}\nwritten\n`);
    expect((await runShell(own, script)).tail).toBe(`${home}\nwritten\n`);
    expect((await runShell(sandbox, 'echo "$HOME"')).tail).toBe(`${homedir()}\n`);
  });

  it('of the system cannot be changed, nor the root folder, nor /dev', async () => {
    const { tail } = await runShell(
      sandbox,
      'for f in /usr /etc / /dev /opt /run /var /usr/bin /etc/ssl; do touch $f/x 2>/dev/null && echo $f; done; echo done',
    );
    expect(tail).toBe('done\n');
  });

  it('are not mounted by a value that ends where the sandbox does not expect it', async () => {
    const env = { NAME: 'value\0--ro-bind\0/etc\0/tmp/all-of-etc' };
    await expect(runShell(sandbox, 'ls /tmp/all-of-etc', { env })).rejects.toMatchObject({
      code: 'sandbox.start-failed',
      message: expect.stringContaining('NUL') as string,
    });
  });

  it('in memory are bounded everywhere', async () => {
    const script = `exec 2>/dev/null; for d in / /dev /dev/shm /tmp "$HOME" /run; do
      head -c 300000000 /dev/zero > $d/fill; s=$(stat -c %s $d/fill 2>/dev/null || echo 0)
      [ "$s" -ge 290000000 ] && echo "$d $s"; rm -f $d/fill; done; echo done`;
    const limits = { ...defaultSandboxLimits, memory: 1024 ** 3 };
    expect((await runShell(sandbox, script, { limits })).tail).toBe('done\n');
  });

  it('of the runner stay hidden below a folder that is shown', async () => {
    const folder = temporaryFolder();
    for (const name of ['vault', 'data', 'tools']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'vault', 'canary'), 'secret');
    writeFileSync(join(folder, 'data', 'canary'), 'secret');
    writeFileSync(join(folder, 'secret-file'), 'secret');
    writeFileSync(join(folder, 'tools', 'tool'), 'tool');
    mkdirSync(join(folder, 'data', 'worktree'));
    writeFileSync(join(folder, 'data', 'worktree', 'code'), 'code');
    const hidden = [join(folder, 'vault'), join(folder, 'data'), join(folder, 'secret-file')];
    const { tail } = await runShell(sandbox, 'find . -type f -size +0 | sort; cat secret-file 2>/dev/null', {
      cwd: folder,
      hidden,
      mounts: [
        { source: folder, mode: 'read-only' },
        { source: join(folder, 'data', 'worktree'), mode: 'read-write' },
      ],
    });
    expect(tail).toBe('./data/worktree/code\n./tools/tool\n');
  });

  it('beside the command are readable, unless something private is among them', async () => {
    const folder = temporaryFolder();
    const agent = join(folder, 'agent');
    const mixed = join(folder, 'mixed');
    for (const path of [agent, mixed, join(mixed, 'vault')]) mkdirSync(path, { recursive: true });
    for (const path of [agent, mixed]) {
      writeFileSync(join(path, 'main.sh'), '#!/bin/sh\nls -A "$(dirname "$0")"\n');
      writeFileSync(join(path, 'helper'), 'helper');
      chmodSync(join(path, 'main.sh'), 0o755);
    }
    const hidden = [join(mixed, 'vault')];
    const list = async (path: string) =>
      (await sandbox.run({ ...base(), argv: [join(path, 'main.sh')], hidden })).tail.trim().split('\n');
    expect(await list(agent)).toEqual(['helper', 'main.sh']);
    expect(await list(mixed)).toEqual(['main.sh']);
  });

  it('outside are not reached by a link that an agent left where something is mounted', async () => {
    const folder = temporaryFolder();
    const secret = temporaryFolder('opus-secret-');
    symlinkSync(secret, join(folder, 'out'));
    const mounts = [
      { source: folder, mode: 'read-write' as const },
      { source: join(folder, 'out'), mode: 'read-write' as const },
    ];
    await expect(runShell(sandbox, 'true', { mounts })).rejects.toThrow(/nothing is mounted through a link/);
  });

  it('mounted below home and /tmp are there, read-only ones unchangeable', async () => {
    const folder = temporaryFolder();
    const { tail } = await runShell(
      sandbox,
      'touch /tmp/opus-in/x && echo wrote; touch "$HOME/deep/er/x" 2>&1 | grep -o Read-only; ls "$HOME/deep/er" /tmp',
      {
        mounts: [
          { source: folder, target: '/tmp/opus-in', mode: 'read-write' },
          { source: folder, target: join(homedir(), 'deep/er'), mode: 'read-only' },
        ],
      },
    );
    expect(tail).toContain('wrote\nRead-only\n');
    expect(tail).toMatch(/deep\/er:\nx\n/);
  });
});

describe('the network', () => {
  let server: Server;
  let port: number;
  beforeEach(async () => {
    server = createServer((_request, response) => response.end('reached'));
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    port = (server.address() as { port: number }).port;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is not there when none was asked for: neither this machine nor another', async () => {
    const script = `curl -sS -m 3 http://127.0.0.1:${port}/ 2>&1; curl -sS -m 3 http://1.1.1.1/ 2>&1; ls /sys/class/net 2>/dev/null; tail -n +3 /proc/net/dev | cut -d: -f1`;
    const { tail } = await runShell(sandbox, script);
    expect(tail).not.toContain('reached');
    expect(tail.trim().split('\n').at(-1)?.trim()).toBe('lo');
  });

  it('hides the sockets of this machine that have a name but no file', async () => {
    const { tail } = await runShell(sandbox, 'grep -c @ /proc/net/unix; true');
    expect(tail.trim()).toBe('0');
  });
});

describe('limits', () => {
  // Three hundred and no more: a bomb without an end starves whatever else runs on the machine until it is caught.
  it('bound the number of processes', async () => {
    const script = 'i=0; while [ $i -lt 300 ]; do sleep 600 & i=$((i+1)); done; wait';
    const limits = { ...defaultSandboxLimits, processes: 100 };
    const result = await runShell(sandbox, script, { env: { MARK: mark }, limits });
    expect(result.ending).toBe('processes');
  });

  it('bound what one process takes', async () => {
    const script = 'python3 -c "b=bytearray(3*1024**3)" 2>&1 | tail -1';
    const result = await runShell(sandbox, script, { limits: { ...defaultSandboxLimits, memory: 1024 ** 3 } });
    expect(result.tail).toContain('MemoryError');
  });

  it('bound memory that is shared and mapped by nobody', async () => {
    const script = `import os,time
fs=[os.memfd_create(str(i)) for i in range(8)]
for f in fs:
  for _ in range(100): os.write(f, b"x"*1000000)
time.sleep(600)`;
    const result = await runShell(sandbox, `exec python3 -c '${script}'`, {
      env: { MARK: mark },
      limits: { ...defaultSandboxLimits, memory: 512 * 1024 ** 2 },
    });
    expect(result.ending).toBe('memory');
  });

  it('count files that were removed while they are open', async () => {
    const folder = temporaryFolder();
    const script = 'exec 5>gone; rm gone; while :; do head -c 5000000 /dev/zero >&5; done';
    const result = await runShell(sandbox, script, {
      cwd: folder,
      env: { MARK: mark },
      mounts: [{ source: folder, mode: 'read-write' }],
      limits: { ...defaultSandboxLimits, disk: 60_000_000 },
    });
    expect(result.ending === 'disk' || result.tail.includes('File too large') || result.exitCode === null).toBe(true);
  });
});

function base() {
  return { cwd: '/', env: {}, mounts: [], network: [], limits: defaultSandboxLimits, timeoutMs: 30_000 };
}
