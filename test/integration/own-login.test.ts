import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCommandDriver } from '../../runner/adapters/agents/command-driver.ts';
import type { NativeKind } from '../../runner/adapters/agents/native/native-cli.ts';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import type { AgentProfile, AgentRequest } from '../../runner/core/ports/agent.ts';
import { nativeKinds } from '../support/agent-clis.ts';
import { runAcpAgent } from '../support/acp-lab.ts';
import { driverLab, type DriverLab } from '../support/driver-lab.ts';
import { nativeLab } from '../support/native-lab.ts';
import { removeFolders } from '../support/sandbox-runs.ts';

const token = 'canary-of-the-login-0123456789';
const renewed = 'canary-that-was-renewed-98765';
const auth = (value: string): string => JSON.stringify({ tokens: { access: value, id: null }, count: 1 });
const credentials = [{ file: '~/.agent/auth.json', refresh: false }];
const refreshing = [{ file: '~/.agent/auth.json', refresh: true }];
const writesResult = `printf '{"summary":"s"}' > "$OPUS_RESULT_FILE"`;
let folder: string;
let home: string;
let original: string;
let lab: DriverLab;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'l-'));
  home = join(folder, 'person');
  original = join(home, '.agent/auth.json');
  mkdirSync(join(home, '.agent'), { recursive: true });
  writeFileSync(original, auth(token), { mode: 0o640 });
  const sandbox = createBubblewrapSandbox({ watchMs: 50 });
  lab = driverLab(folder, {
    driver: createCommandDriver({ sandbox, configFolder: '/config', environment: {}, home }),
    profile: { driver: 'command' },
    model: '',
    reach: () => Promise.reject(new Error('not asked for')),
  });
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  removeFolders();
});

async function run(script: string, profile: Partial<AgentProfile> = { credentials }, more: Partial<AgentRequest> = {}) {
  const ran = await lab.run(more, { command: ['/bin/sh', '-c', script], ...profile });
  const log = existsSync(join(folder, 'log'))
    ? readdirSync(join(folder, 'log'))
        .map((name) => readFileSync(join(folder, 'log', name), 'utf8'))
        .join('')
    : '';
  return { ...ran, log };
}

/** Everything that a run leaves in files, but what the agent wrote itself. */
const leftBehind = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('an agent with a login of its own', () => {
  it('finds a private copy of its file at the same place below its HOME, which is gone afterwards', async () => {
    const seen = '{ stat -c "%a %F" "$HOME/.agent/auth.json"; tr a-z A-Z < "$HOME/.agent/auth.json"; } > seen';
    const { outcome, attemptFolder } = await run(`${seen}; ${writesResult}`);
    expect(outcome).toMatchObject({ kind: 'finished' });
    expect(readFileSync(join(folder, 'tree/seen'), 'utf8')).toBe(`600 regular file\n${auth(token).toUpperCase()}`);
    expect(leftBehind(attemptFolder).filter((path) => readFileSync(path, 'utf8').includes(token))).toEqual([]);
    expect(readFileSync(original, 'utf8')).toBe(auth(token));
  });

  it('shows nothing of it in log, output, tail, result, question and error, however it is cut up', async () => {
    const half = Math.floor(token.length / 2);
    const slowly = `printf '%s' ${token.slice(0, half)}; sleep 0.2; echo ${token.slice(half)}; cat "$HOME/.agent/auth.json" >&2`;
    const finished = await run(`${slowly}; printf '{"summary":"${token}","done":["${token}"]}' > "$OPUS_RESULT_FILE"`);
    const asked = await run(`echo "is it ${token}" > "$OPUS_OUT_DIR/question"`);
    const failed = await run(`echo "it is ${token}"; exit 3`);
    const all = JSON.stringify([finished, asked, failed]);
    expect(all).not.toContain(token);
    expect(all.match(/\*{30}/g)?.length).toBeGreaterThanOrEqual(7);
    expect(finished.log).toMatch(/\*{30}/);
    expect(asked.outcome).toMatchObject({ kind: 'asked', question: `is it ${'*'.repeat(30)}` });
  });

  it('loses what it renews, unless its note says that it is kept', async () => {
    const renews = `printf '%s' '${auth(renewed)}' > "$HOME/new"; mv "$HOME/new" "$HOME/.agent/auth.json"; ${writesResult}`;
    expect((await run(renews)).log).toContain('"refresh: true" in its note would keep that');
    expect(readFileSync(original, 'utf8')).toBe(auth(token));
    expect((await run(renews, { credentials: refreshing })).log).toContain('(~/.agent/auth.json was renewed)');
    expect(readFileSync(original, 'utf8')).toBe(auth(renewed));
    expect(statSync(original).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(home, '.agent'))).toEqual(['auth.json']);
  });

  it.each([
    [
      'another key',
      `printf '{"tokens":{"access":"${renewed}","id":null},"count":1,"helper":"rm"}' > "$HOME/.agent/auth.json"`,
    ],
    ['no JSON', 'echo gone > "$HOME/.agent/auth.json"'],
    ['a link', 'ln -sf /etc/hostname "$HOME/.agent/auth.json"'],
    ['a folder that leads away', 'mv "$HOME/.agent" "$HOME/.b"; ln -s /etc "$HOME/.agent"'],
    ['two megabytes', 'head -c 2000000 /dev/zero > "$HOME/.agent/auth.json"'],
  ])('never changes a person’s file to %s', async (_, script) => {
    const { outcome, log } = await run(`${script}; ${writesResult}`, { credentials: refreshing });
    expect(outcome.kind).toBe('finished');
    expect(log).toContain('it was not kept');
    expect(readFileSync(original, 'utf8')).toBe(auth(token));
  });

  it('leaves alone what a person renewed meanwhile', async () => {
    const renews = `echo go; printf '%s' '${auth(renewed)}' > "$HOME/.agent/auth.json"; ${writesResult}`;
    const { log } = await run(
      renews,
      { credentials: refreshing },
      {
        onOutput: () => {
          writeFileSync(original, auth('of-the-person-themselves'));
        },
      },
    );
    expect(log).toContain('changed by somebody else meanwhile');
    expect(readFileSync(original, 'utf8')).toBe(auth('of-the-person-themselves'));
  });

  it.each([
    ['that is not there', '~/.agent/none.json', () => undefined, /is not there/],
    ['outside of home', '/etc/hostname', () => undefined, /does not lie below/],
    [
      'that is a link out of home',
      '~/out',
      () => {
        symlinkSync('/etc/hostname', join(home, 'out'));
      },
      /leads out of the home folder/,
    ],
    ['that is a folder', '~/.agent', () => undefined, /no plain file/],
    [
      'that is large',
      '~/large',
      () => {
        writeFileSync(join(home, 'large'), Buffer.alloc(1_100_000));
      },
      /larger than 1 MB/,
    ],
    [
      'of the runner',
      '~/data/key',
      () => {
        mkdirSync(join(home, 'data'));
        writeFileSync(join(home, 'data/key'), 'k');
      },
      /belongs to the runner/,
    ],
  ])('is not started with a file %s, and a person is told', async (_, file, prepare, sentence) => {
    prepare();
    const { outcome, output } = await run(
      'echo ran',
      { credentials: [{ file, refresh: false }] },
      { hidden: [join(home, 'data')] },
    );
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.credentials' } });
    expect(outcome.kind === 'failed' && outcome.error.message).toMatch(sentence);
    expect(outcome.kind === 'failed' && outcome.error.message).toContain('00_system/opus/agents/coder.md');
    expect(output).toBe('');
  });
});

/** Where each CLI keeps its login; OpenCode's lies among its conversations, which outlive a run. */
const places: Readonly<Record<NativeKind, string>> = {
  claude: '.claude/.credentials.json',
  codex: '.codex/auth.json',
  opencode: '.local/share/opencode/auth.json',
  gemini: '.gemini/oauth_creds.json',
};

describe.each(nativeKinds)('%s with a login of its own', (kind) => {
  it('has its file, no other way to a model, and leaves the file nowhere', async () => {
    const place = places[kind];
    mkdirSync(join(home, place, '..'), { recursive: true });
    writeFileSync(join(home, place), auth(token));
    const bin = join(folder, kind);
    writeFileSync(
      bin,
      `#!/bin/sh\ntr a-z A-Z < "$HOME/${place}" > seen; env > env; printf '%s\\n' "$@" > args; echo said; printf 'it is '; cat "$HOME/${place}"\n`,
    );
    chmodSync(bin, 0o755);
    const cli = nativeLab(folder, kind, { path: bin, version: '0' }, { home });
    const { output } = await cli.run({}, { credentials: [{ file: `~/${place}`, refresh: false }] });
    expect(readFileSync(join(cli.tree, 'seen'), 'utf8')).toBe(auth(token).toUpperCase());
    const given = readFileSync(join(cli.tree, 'env'), 'utf8') + readFileSync(join(cli.tree, 'args'), 'utf8');
    expect(given).not.toMatch(/127\.0\.0\.1|opus-gateway|API_KEY/);
    expect(output).toMatch(/\*{30}/);
    const kept = leftBehind(join(folder, 'attempts')).concat(leftBehind(join(folder, 'log')));
    expect(kept.filter((path) => readFileSync(path, 'utf8').includes(token))).toEqual([]);
  });
});

it('an ACP agent has its file in each run of a conversation whose HOME is kept, and says nothing of it', async () => {
  const steps = [{ say: `it is ${token}` }, { printError: `really ${token}` }, { result: { summary: token } }];
  const first = await runAcpAgent({ canLoad: true, steps }, { home, profile: { credentials } });
  expect(first.outcome).toMatchObject({ kind: 'finished', result: { summary: '*'.repeat(30) } });
  expect(JSON.stringify([first.events, first.outcome, first.log])).not.toContain(token);
  const kept = join(first.folder, 'state/home-code/.agent');
  expect(readdirSync(kept)).toEqual([]);
  // What an agent leaves in the way is no way out.
  rmSync(kept, { recursive: true });
  symlinkSync(join(home, 'elsewhere'), kept);
  mkdirSync(join(home, 'elsewhere'));
  writeFileSync(join(home, 'elsewhere/auth.json'), 'of another');
  await runAcpAgent(
    { canLoad: true, steps },
    { home, folder: first.folder, profile: { credentials }, request: { session: first.outcome.report.session } },
  );
  expect(readFileSync(join(home, 'elsewhere/auth.json'), 'utf8')).toBe('of another');
  expect(readdirSync(kept)).toEqual([]);
});
