import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createSystemdNotifier, type SystemdNotifier } from '../../runner/adapters/systemd/notify.ts';

const receiver = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('"bound"', flush=True)
while True:
    print(json.dumps(s.recv(65536).decode()), flush=True)
`;

/** What systemd-notify does, for machines without it. */
const standIn = `#!/usr/bin/env python3
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto('\\n'.join(sys.argv[1:]).encode(), os.environ['NOTIFY_SOCKET'])
`;

let folder: string;
let bin: string;
let socket: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'n-'));
  bin = join(folder, 'bin');
  socket = join(folder, 's');
  mkdirSync(bin);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A real socket of datagrams, which Node does not have; each datagram as its lines. */
async function receive(): Promise<string[][]> {
  const child = spawn('python3', ['-c', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  const datagrams: string[][] = [];
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line');
  lines.on('line', (line) => datagrams.push((JSON.parse(line) as string).split('\n').filter(isSaid)));
  return datagrams;
}

/** The real one asks systemd afterwards to say that it has read everything. */
function isSaid(line: string): boolean {
  return line !== '' && line !== 'BARRIER=1';
}

function said(datagrams: readonly string[][]): string[] {
  return datagrams.flat();
}

function program(text: string): void {
  writeFileSync(join(bin, 'systemd-notify'), text);
  chmodSync(join(bin, 'systemd-notify'), 0o755);
}

function notifier(environment: Readonly<Record<string, string>> = {}): SystemdNotifier {
  const path = `${bin}:${process.env['PATH'] ?? ''}`;
  const made = createSystemdNotifier({ PATH: path, NOTIFY_SOCKET: socket, ...environment });
  onTestFinished(() => made.close());
  return made;
}

const hasProgram = spawnSync('systemd-notify', ['--version']).status === 0;
if (!hasProgram) console.warn('SKIPPED: systemd-notify is not installed; only a stand-in says what it would.');

describe.each(['the real systemd-notify', 'a stand-in'])('by %s', (which) => {
  const isReal = which !== 'a stand-in';
  beforeEach(() => {
    if (!isReal) program(standIn);
  });

  test.skipIf(isReal && !hasProgram)('systemd hears the life of the service in order', async () => {
    const datagrams = await receive();
    const systemd = notifier();
    const next = async (act: () => void, ...expected: readonly unknown[]): Promise<void> => {
      const before = said(datagrams).length;
      act();
      await vi.waitFor(() => {
        expect(said(datagrams).slice(before)).toEqual(expected);
      }, 10_000);
    };
    await next(
      () => {
        systemd.ready('2 jobs at work');
      },
      'READY=1',
      'STATUS=2 jobs at work',
    );
    await next(() => {
      systemd.watchdog();
    }, 'WATCHDOG=1');
    await next(
      () => {
        systemd.reloading();
      },
      'RELOADING=1',
      expect.stringMatching(/^MONOTONIC_USEC=\d+$/),
    );
    await next(
      () => {
        systemd.ready('again');
      },
      'READY=1',
      'STATUS=again',
    );
    await next(
      () => {
        systemd.stopping('one step is ending');
      },
      'STOPPING=1',
      'STATUS=one step is ending',
    );
  });

  test.skipIf(isReal && !hasProgram)('a status cannot say anything else', async () => {
    const datagrams = await receive();
    const systemd = notifier();
    systemd.status('FR-001 "x"\nSTOPPING=1\u0000\u001b[2J --pid=1');
    await systemd.close();
    await vi.waitFor(() => {
      expect(said(datagrams)).toEqual(['STATUS=FR-001 "x" STOPPING=1 [2J --pid=1']);
    });
  });
});

describe('telling systemd', () => {
  test('is one message at a time, and what is said meanwhile goes together in the next', async () => {
    const datagrams = await receive();
    const open = join(folder, 'open');
    program(
      standIn.replace('import os', `import os, time\nwhile not os.path.exists('${open}'): time.sleep(0.01)\nimport os`),
    );
    const systemd = notifier();
    systemd.ready('first');
    systemd.status('second');
    for (let count = 0; count < 20; count += 1) systemd.watchdog();
    systemd.status('third');
    systemd.stopping('fourth');
    writeFileSync(open, '');
    await systemd.close();
    await vi.waitFor(() => {
      expect(datagrams).toEqual([
        ['READY=1', 'STATUS=first'],
        ['STOPPING=1', 'STATUS=fourth', 'WATCHDOG=1'],
      ]);
    });
  });

  test('stops with the event loop: one that hangs sends no heartbeat', async () => {
    const datagrams = await receive();
    program(standIn);
    const systemd = notifier({ WATCHDOG_USEC: '20000' });
    const timer = setInterval(() => {
      systemd.watchdog();
    }, systemd.intervalMs ?? 0);
    onTestFinished(() => {
      clearInterval(timer);
    });
    const has = (line: string) => (): void => {
      expect(said(datagrams)).toContain(line);
    };
    await vi.waitFor(has('WATCHDOG=1'), 10_000);
    systemd.status('before');
    await vi.waitFor(has('STATUS=before'), 10_000);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    systemd.status('after');
    await vi.waitFor(has('STATUS=after'), 10_000);
    const lines = said(datagrams);
    const between = lines.slice(lines.indexOf('STATUS=before') + 1, lines.indexOf('STATUS=after'));
    // Some were on their way when it began to hang; a helper that went on beating would have sent 150 by now.
    expect(between.length).toBeLessThan(30);
  });

  test('goes on when a message is lost, and says the lost one with the next', async () => {
    const datagrams = await receive();
    const failed = join(folder, 'failed');
    program(`#!/bin/sh\n[ -e '${failed}' ] && exec python3 '${bin}/good' "$@"\n: >'${failed}'\necho no >&2\nexit 1\n`);
    writeFileSync(join(bin, 'good'), standIn);
    const warnings: unknown[] = [];
    const environment = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, NOTIFY_SOCKET: socket };
    const systemd = createSystemdNotifier(environment, { warn: (fields) => warnings.push(fields) });
    systemd.ready('up');
    await vi.waitFor(() => {
      expect(warnings).toHaveLength(1);
    }, 10_000);
    expect(datagrams).toEqual([]);
    systemd.watchdog();
    await systemd.close();
    await vi.waitFor(() => {
      expect(datagrams).toEqual([['READY=1', 'STATUS=up', 'WATCHDOG=1']]);
    });
    expect(warnings).toHaveLength(1);
  });

  test('throws nothing where the program does not exist', async () => {
    const systemd = createSystemdNotifier({ PATH: bin, NOTIFY_SOCKET: socket });
    systemd.ready('up');
    systemd.watchdog();
    await expect(systemd.close()).resolves.toBeUndefined();
  });

  test('gives up a message that nobody takes', async () => {
    program(`#!/bin/sh\necho $$ >'${folder}/pid'\nexec sleep 600\n`);
    const systemd = notifier();
    systemd.ready('up');
    await systemd.close();
    const pid = readFileSync(join(folder, 'pid'), 'utf8').trim();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  }, 20_000);

  test('gives the program nothing of the environment but what it needs', async () => {
    program(`#!/bin/sh\nenv >'${folder}/environment'\n`);
    const systemd = notifier({ GITHUB_TOKEN: 'secret' });
    systemd.ready('up');
    await systemd.close();
    const environment = readFileSync(join(folder, 'environment'), 'utf8');
    expect(environment).toContain(`NOTIFY_SOCKET=${socket}`);
    expect(environment).not.toContain('secret');
    expect(environment).not.toContain('OPUS_TEST_MARK');
  });

  test('is over when it is closed', async () => {
    const datagrams = await receive();
    program(standIn);
    const systemd = notifier();
    systemd.ready('up');
    await systemd.close();
    systemd.status('too late');
    await systemd.close();
    const another = notifier();
    another.status('mark');
    await vi.waitFor(() => {
      expect(said(datagrams)).toEqual(['READY=1', 'STATUS=up', 'STATUS=mark']);
    }, 10_000);
  });

  test('is nothing at all where systemd does not listen', async () => {
    program(`#!/bin/sh\n: >'${folder}/called'\n`);
    const systemd = createSystemdNotifier({ PATH: `${bin}:/usr/bin:/bin`, WATCHDOG_USEC: '1000000' });
    systemd.ready('up');
    systemd.reloading();
    systemd.watchdog();
    systemd.status('x');
    systemd.stopping('down');
    await systemd.close();
    expect(systemd.intervalMs).toBeNull();
    expect(existsSync(join(folder, 'called'))).toBe(false);
  });
});

describe('the heartbeat', () => {
  test.each([
    ['is twice as fast as systemd looks', { WATCHDOG_USEC: '60000000' }, 30_000],
    ['is for the process that is watched', { WATCHDOG_USEC: '60000000', WATCHDOG_PID: String(process.pid) }, 30_000],
    ['is not for a child of it', { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1' }, null],
    ['is not wanted where nothing is watched', {}, null],
    ['is not wanted for a time of nothing', { WATCHDOG_USEC: '0' }, null],
    ['is not wanted for what is no time', { WATCHDOG_USEC: 'soon' }, null],
  ])('%s', (_name, environment, expected) => {
    expect(notifier(environment).intervalMs).toBe(expected);
  });
});
