import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultSandboxLimits, type Sandbox } from '../../runner/core/ports/sandbox.ts';
import {
  newMark,
  processesWith,
  removeFolders,
  requestFor,
  runShell,
  temporaryFolder,
  until,
} from '../support/sandbox-runs.ts';

export const contractLogBytes = 1_000_000;

/** What holds for every sandbox; `create` gets a short watch interval and `contractLogBytes`. */
export function describeSandbox(name: string, create: () => Sandbox): void {
  describe(name, () => {
    let sandbox: Sandbox;
    let folder: string;
    let mark: string;
    beforeEach(() => {
      sandbox = create();
      folder = temporaryFolder();
      mark = newMark();
    });
    afterEach(() => {
      expect(processesWith(mark)).toEqual([]);
      removeFolders();
    });

    it('returns the exit code and the output of a program that ends by itself', async () => {
      const result = await runShell(sandbox, 'echo out; echo err >&2; exit 7', { env: { MARK: mark } });
      expect(result).toMatchObject({ ending: 'exited', exitCode: 7, outputBytes: 8, refusedHosts: [] });
      expect(result.tail.split('\n').sort()).toEqual(['', 'err', 'out']);
    });

    it('has no exit code for a program that a signal ended', async () => {
      const result = await runShell(sandbox, 'kill -KILL $$');
      expect(result).toMatchObject({ ending: 'exited', exitCode: null });
    });

    it('gives exactly the environment asked for, PATH and HOME', async () => {
      const node = 'console.log(JSON.stringify(Object.keys(process.env).sort()), process.env.MARK, process.env.ODD)';
      const odd = 'a b"c\'d\n$e=ü';
      const result = await sandbox.run(requestFor([process.execPath, '-e', node], { env: { MARK: mark, ODD: odd } }));
      expect(result.tail).toBe(`["HOME","MARK","ODD","PATH"] ${mark} ${odd}\n`);
    });

    it('passes arguments on as they are, never through a shell', async () => {
      const odd = ['--', '$(id)', 'a  b', "'", '', '-e', '*', 'ü\n'];
      const script = 'console.log(JSON.stringify(process.argv.slice(1)))';
      const result = await sandbox.run(requestFor([process.execPath, '-e', script, '--', ...odd]));
      expect(result.tail).toBe(`${JSON.stringify(odd)}\n`);
    });

    it('works in a mounted folder and leaves its files there', async () => {
      writeFileSync(join(folder, 'in'), 'content');
      const result = await runShell(sandbox, 'pwd; cat in > out', {
        cwd: folder,
        mounts: [{ source: folder, mode: 'read-write' }],
      });
      expect(result.tail).toBe(`${folder}\n`);
      expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('content');
    });

    it('has nothing on standard input', async () => {
      expect((await runShell(sandbox, 'cat | wc -c')).tail.trim()).toBe('0');
    });

    it('lets a program be spoken with, whose output then goes nowhere else', async () => {
      const heard: string[] = [];
      const result = await runShell(
        sandbox,
        'while read -r line; do echo "heard $line"; done; echo error >&2; exit 4',
        {
          conversation: {
            onStart: (streams) => {
              streams.write('one\n', () => {
                streams.write('two\n', () => {
                  streams.end();
                });
              });
              void (async () => {
                for await (const chunk of streams.stdout) heard.push(Buffer.from(chunk).toString());
              })();
            },
          },
        },
      );
      expect(heard.join('')).toBe('heard one\nheard two\n');
      expect(result).toMatchObject({ ending: 'exited', exitCode: 4, tail: 'error\n' });
    });

    it('ends a program that is spoken with like any other, whether or not anyone listens', async () => {
      const stop = new AbortController();
      const told: (Error | null | undefined)[] = [];
      const result = await runShell(sandbox, 'sleep 600 & while :; do echo on and on; done', {
        env: { MARK: mark },
        signal: stop.signal,
        conversation: {
          onStart: (streams) => {
            streams.write('x'.repeat(1_000_000), (error) => told.push(error));
            stop.abort();
          },
        },
      });
      expect(result).toMatchObject({ ending: 'aborted', exitCode: null });
      expect(processesWith(mark)).toEqual([]);
      expect(told).toEqual([expect.any(Error)]);
    });

    it('takes a HOME of the request’s own', async () => {
      const result = await runShell(sandbox, 'echo "$HOME"', { env: { HOME: '/tmp/elsewhere' } });
      expect(result.tail).toBe('/tmp/elsewhere\n');
    });

    it('ends the program and all it started at the timeout', async () => {
      const result = await runShell(sandbox, 'sleep 600 & (setsid sleep 601 &) ; sleep 602', {
        env: { MARK: mark },
        timeoutMs: 400,
      });
      expect(result).toMatchObject({ ending: 'timeout', exitCode: null });
      expect(result.durationMs).toBeGreaterThanOrEqual(390);
      expect(processesWith(mark)).toEqual([]);
    });

    it('ends programs that do not heed signals', async () => {
      const result = await runShell(sandbox, "trap '' TERM INT HUP QUIT; while :; do sleep 600; done", {
        env: { MARK: mark },
        timeoutMs: 300,
      });
      expect(result.ending).toBe('timeout');
    });

    it('ends what a program left running when it ended', async () => {
      const result = await runShell(sandbox, 'sleep 600 & (setsid sleep 601 &) ; exit 3', { env: { MARK: mark } });
      expect(result).toMatchObject({ ending: 'exited', exitCode: 3 });
      expect(processesWith(mark)).toEqual([]);
    });

    it('ends a program without output as stalled, and not one that talks', async () => {
      const quiet = await runShell(sandbox, 'sleep 600', { env: { MARK: mark }, stallMs: 300 });
      expect(quiet.ending).toBe('stalled');
      const talking = await runShell(sandbox, 'for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.1; done', {
        stallMs: 600,
      });
      expect(talking).toMatchObject({ ending: 'exited', exitCode: 0 });
    });

    it('ends everything when it is aborted', async () => {
      const abort = new AbortController();
      let said = '';
      const running = runShell(sandbox, 'sleep 600 & echo ready; sleep 601', {
        env: { MARK: mark },
        signal: abort.signal,
        onOutput: (text) => (said += text),
      });
      await until(() => said.includes('ready'));
      expect(processesWith(mark).length).toBeGreaterThan(0);
      abort.abort();
      expect(await running).toMatchObject({ ending: 'aborted', exitCode: null });
      expect(processesWith(mark)).toEqual([]);
    });

    it('can be aborted at any moment of its start', async () => {
      const endings = new Set<string>();
      for (let waitMs = 0; waitMs < 20; waitMs += 1) {
        const abort = new AbortController();
        setTimeout(() => {
          abort.abort();
        }, waitMs);
        const result = await runShell(sandbox, 'sleep 600', { env: { MARK: mark }, signal: abort.signal });
        endings.add(result.ending);
        expect(processesWith(mark)).toEqual([]);
      }
      expect([...endings]).toEqual(['aborted']);
    });

    it('starts nothing when it was aborted before', async () => {
      const result = await runShell(sandbox, `touch ${folder}/started`, {
        mounts: [{ source: folder, mode: 'read-write' }],
        signal: AbortSignal.abort(),
      });
      expect(result.ending).toBe('aborted');
      expect(existsSync(join(folder, 'started'))).toBe(false);
    });

    it('takes 200 MB of output in flat memory, with a bounded log and tail', async () => {
      const logFile = join(folder, 'logs', 'deep', 'run.log');
      const before = process.memoryUsage().rss;
      let most = before;
      let received = 0;
      const result = await runShell(
        sandbox,
        'echo first; head -c 200000000 /dev/zero | tr "\\0" "x"; echo; echo last',
        {
          logFile,
          onOutput: (text) => {
            received += text.length;
            most = Math.max(most, process.memoryUsage().rss);
          },
        },
      );
      expect(result).toMatchObject({ ending: 'exited', exitCode: 0, outputBytes: 200_000_012 });
      expect(received).toBe(200_000_012);
      expect(result.tail).toBe('last\n');
      expect(most - before).toBeLessThan(120_000_000);
      expect(statSync(logFile).size).toBeLessThan(contractLogBytes + 200);
      const log = readFileSync(logFile, 'latin1');
      expect(log.startsWith('first\n')).toBe(true);
      expect(log.endsWith('x\nlast\n')).toBe(true);
      expect(readFileSync(logFile, 'utf8')).toContain('\n[… 199000012 bytes of output left out here …]\n');
    });

    it('appends to a log that exists', async () => {
      const logFile = join(folder, 'run.log');
      writeFileSync(logFile, 'earlier\n');
      await runShell(sandbox, 'echo later', { logFile });
      expect(readFileSync(logFile, 'utf8')).toBe('earlier\nlater\n');
    });

    it('keeps a tail of at most 16 kB without control characters, cut at a line', async () => {
      const script =
        'i=0; while [ $i -lt 3000 ]; do printf "\\033[31mline %d\\033[0m\\007 ü\\r\\n" $i; i=$((i+1)); done';
      const { tail } = await runShell(sandbox, script);
      expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(16 * 1024);
      expect(tail).toMatch(/^line \d+ ü\n/);
      expect(tail.endsWith('line 2999 ü\n')).toBe(true);
      // eslint-disable-next-line no-control-regex -- what must not be there
      expect(tail).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    });

    it('returns standard output raw and apart when asked to', async () => {
      const result = await runShell(sandbox, 'printf "\\000\\377\\n"; echo err >&2', { captureStdout: 100 });
      expect([...result.stdout]).toEqual([0, 255, 10]);
      expect(result.tail).toBe('err\n');
    });

    it('ends a program that writes more than may be captured', async () => {
      const result = await runShell(sandbox, 'cat /dev/zero', { captureStdout: 100_000, env: { MARK: mark } });
      expect(result.ending).toBe('disk');
      expect(result.stdout.length).toBe(100_000);
    });

    it('ends too many processes', async () => {
      const result = await runShell(sandbox, 'i=0; while [ $i -lt 60 ]; do sleep 600 & i=$((i+1)); done; wait', {
        env: { MARK: mark },
        limits: { ...defaultSandboxLimits, processes: 20 },
      });
      expect(result.ending).toBe('processes');
    });

    it('ends processes that use too much memory together', async () => {
      const hog = 'const b = Buffer.alloc(500e6, 1); setInterval(() => b.fill(2), 50)';
      const result = await runShell(sandbox, `for i in 1 2 3; do "$NODE" -e '${hog}' & done; wait`, {
        env: { MARK: mark, NODE: process.execPath },
        // Each by itself stays below.
        limits: { ...defaultSandboxLimits, memory: 1_300_000_000 },
      });
      expect(result.ending).toBe('memory');
    });

    it('ends a program that fills a writable folder', async () => {
      const script = 'i=0; while :; do head -c 5000000 /dev/zero > f$i; i=$((i+1)); done';
      const result = await runShell(sandbox, script, {
        cwd: folder,
        env: { MARK: mark },
        mounts: [{ source: folder, mode: 'read-write' }],
        limits: { ...defaultSandboxLimits, disk: 50_000_000 },
      });
      expect(result.ending).toBe('disk');
    });

    it('refuses one file beyond the limit', async () => {
      const result = await runShell(sandbox, 'truncate -s 6G big || echo refused', {
        cwd: folder,
        mounts: [{ source: folder, mode: 'read-write' }],
      });
      expect(result.tail).toContain('refused');
      expect(statSync(join(folder, 'big')).size).toBe(0);
    });

    it('says that a program does not exist, or is none', async () => {
      writeFileSync(join(folder, 'text'), 'no program');
      const mounts = [{ source: folder, mode: 'read-only' as const }];
      for (const program of ['no-such-program', '/no/such/program', './missing', join(folder, 'text')]) {
        await expect(sandbox.run(requestFor([program], { cwd: folder, mounts }))).rejects.toMatchObject({
          code: 'agent.not-found',
        });
      }
    });

    it('says that it could not be set up', async () => {
      await expect(runShell(sandbox, 'true', { cwd: '/no/such/folder' })).rejects.toMatchObject({
        code: 'sandbox.start-failed',
      });
    });

    it('does not hand on files that this process has open', async () => {
      const result = await runShell(sandbox, 'for f in /proc/self/fd/*; do readlink $f; done', {
        captureStdout: 10_000,
      });
      const open = Buffer.from(result.stdout).toString().trim().split('\n');
      expect(open.filter((path) => !/^(\/dev\/null|\/proc\/.*|socket:.*)$/.test(path) && path !== '')).toEqual([]);
    });

    it('runs many at once, each with its own output', async () => {
      const results = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((number) => runShell(sandbox, `echo ${number}`)));
      expect(results.map(({ tail }) => tail)).toEqual(['1\n', '2\n', '3\n', '4\n', '5\n', '6\n', '7\n', '8\n']);
    });
  });
}
