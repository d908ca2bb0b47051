import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { controlService, uninstallService } from '../../runner/cli/service-control.ts';
import { installService } from '../../runner/cli/service-install.ts';
import { serviceLogs } from '../../runner/cli/service-logs.ts';
import type { ServiceHost } from '../../runner/cli/service-place.ts';
import { serviceStatus } from '../../runner/cli/service-status.ts';
import type { Terminal } from '../../runner/cli/terminal.ts';
import { fakeTerminal, type FakeTerminal } from '../support/fake-terminal.ts';
import { failedState, runningState, standInForSystemd } from '../support/systemd-stand-in.ts';

let folder: string;
let bin: string;
let project: string;
let host: ServiceHost;
let unitFile: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'service-'));
  bin = join(folder, 'bin');
  project = join(folder, 'project');
  for (const path of [bin, project, join(project, 'vault'), join(folder, 'booted'), join(folder, 'home')])
    mkdirSync(path);
  standInForSystemd(bin, folder);
  writeConfig(project);
  answer('show', runningState);
  answer('loginctl', 'yes\n');
  host = {
    account: { name: 'ada', uid: 1000, gid: 1000, home: join(folder, 'home') },
    bootedFolder: join(folder, 'booted'),
    systemUnits: join(folder, 'system'),
    node: process.execPath,
    bin: '/opt/opus/bin/opus.mjs',
  };
  unitFile = join(folder, 'home/.config/systemd/user/opus-orchestrator.service');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function writeConfig(where: string, more = ''): void {
  const repository = 'app: { url: ./app.git, base: main, forge: local, test: npm test }';
  writeFileSync(join(where, 'opus.yml'), `vault: { path: ./vault }\nrepos:\n  ${repository}\ndata: ./.opus\n${more}`);
}

function answer(verb: string, text: string): void {
  writeFileSync(join(folder, `${verb}.out`), text);
}

function refuse(verb: string, words: string): void {
  writeFileSync(join(folder, `${verb}.fails`), words);
}

function terminal(environment: Readonly<Record<string, string>> = {}, given: Partial<Terminal> = {}): FakeTerminal {
  return fakeTerminal({ cwd: project, environment: { PATH: `${bin}:/usr/bin:/bin`, ...environment }, ...given });
}

/** What was called since the last look. */
function calls(): string[] {
  const file = join(folder, 'calls');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  rmSync(file, { force: true });
  return lines;
}

const root = (): ServiceHost => ({ ...host, account: { name: 'root', uid: 0, gid: 0, home: join(folder, 'home') } });
const unit = 'opus-orchestrator.service';
const user = 'systemctl --user --no-pager';

describe('installing', () => {
  test('writes the unit for this configuration and has systemd start it at boot', async () => {
    const shown = terminal();
    expect(await installService(shown, {}, host)).toBe(0);
    expect(calls()).toEqual([
      `${user} daemon-reload`,
      `${user} enable ${unit}`,
      'loginctl show-user ada --property=Linger --value',
    ]);
    expect(readFileSync(unitFile, 'utf8')).toContain(`"serve" "--config" "${project}/opus.yml"`);
    expect(statSync(unitFile).mode & 0o777).toBe(0o644);
    expect(readdirSync(join(unitFile, '..'))).toEqual([unit]);
    expect(statSync(join(project, '.opus')).mode & 0o777).toBe(0o700);
    expect(shown.outLines.join('\n')).toContain(`Installed ${unitFile}`);
    expect(shown.outLines.at(-1)).toMatch(/^Start it: .*opus.* service start$/);
    expect(shown.errLines).toEqual([]);
  });

  test('starts it anew with --now, whatever failed before', async () => {
    expect(await installService(terminal(), { now: true }, host)).toBe(0);
    expect(calls().slice(1, 4)).toEqual([
      `${user} enable ${unit}`,
      `${user} reset-failed ${unit}`,
      `${user} restart ${unit}`,
    ]);
  });

  test('says what a service without a login and without its secrets needs', async () => {
    writeConfig(
      project,
      'models: { anthropic: { key: env:ANTHROPIC_API_KEY }, openai: { key: env:OPENAI_API_KEY } }\n',
    );
    const first = terminal();
    expect(await installService(first, {}, host)).toBe(0);
    expect(first.errLines[0]).toContain(`install -m 600 /dev/null ${project}/.opus/environment`);
    writeFileSync(join(project, '.opus/environment'), '# secrets\nOPENAI_API_KEY=x\n', { mode: 0o644 });
    answer('loginctl', 'no\n');
    const shown = terminal();
    expect(await installService(shown, {}, host)).toBe(0);
    expect(shown.errLines).toEqual([
      expect.stringContaining('/.opus/environment does not set ANTHROPIC_API_KEY:'),
      expect.stringContaining(`chmod 600 ${project}/.opus/environment`),
      expect.stringContaining('sudo loginctl enable-linger ada'),
    ]);
  });

  test('prints the unit with --dry-run and changes nothing, with or without systemd', async () => {
    const shown = terminal();
    const nowhere = { ...host, bootedFolder: join(folder, 'absent') };
    expect(await installService(shown, { dryRun: true }, nowhere)).toBe(0);
    expect(shown.outLines.join('\n')).toContain('\nType=notify\n');
    expect(existsSync(unitFile)).toBe(false);
    expect(existsSync(join(project, '.opus'))).toBe(false);
    expect(calls()).toEqual([]);
  });

  test('writes its own unit anew, and leaves one that a person edited', async () => {
    await installService(terminal(), {}, host);
    const first = readFileSync(unitFile, 'utf8');
    writeConfig(project, 'timeouts: { grace: 5m }\n');
    expect(await installService(terminal(), {}, host)).toBe(0);
    expect(readFileSync(unitFile, 'utf8')).not.toBe(first);

    appendFileSync(unitFile, '# mine\n');
    const edited = readFileSync(unitFile, 'utf8');
    calls();
    await expect(installService(terminal(), {}, host)).rejects.toMatchObject({
      code: 'service.failed',
      message: `${unitFile} was edited, and is left as it is.`,
      hint: expect.stringContaining('--force') as string,
    });
    expect(readFileSync(unitFile, 'utf8')).toBe(edited);
    expect(calls()).toEqual([]);

    expect(await installService(terminal(), { force: true }, host)).toBe(0);
    expect(readFileSync(unitFile, 'utf8')).not.toContain('# mine');
    expect(readFileSync(`${unitFile}.saved-1`, 'utf8')).toBe(edited);
  });

  test('does not take the service from another configuration by accident', async () => {
    await installService(terminal(), {}, host);
    const other = join(folder, 'other');
    mkdirSync(join(other, 'vault'), { recursive: true });
    writeConfig(other);
    await expect(installService(terminal({}, { cwd: other }), {}, host)).rejects.toMatchObject({
      code: 'service.failed',
      message: `${unitFile} is of another configuration, ${project}/opus.yml.`,
    });
    expect(await installService(terminal({}, { cwd: other }), { force: true }, host)).toBe(0);
    expect(readFileSync(unitFile, 'utf8')).toContain(`${other}/opus.yml`);
  });

  test('of the machine runs as who called sudo, or as who is named', async () => {
    mkdirSync(join(project, '.opus'));
    const file = join(folder, 'system', unit);
    expect(await installService(terminal({ SUDO_USER: 'daemon' }), {}, root())).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('\nUser=daemon\n');
    expect(calls()).toEqual([
      'systemctl --system --no-pager daemon-reload',
      `systemctl --system --no-pager enable ${unit}`,
    ]);
    expect(await installService(terminal({ SUDO_USER: 'daemon' }), { userName: 'nobody' }, root())).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('\nUser=nobody\n');
  });

  test.each([
    ['as root', {}, { SUDO_USER: 'root' }, 'The service does not run as root.'],
    ['as root under its own name', { user: true }, {}, 'The service does not run as root.'],
    ['as nobody in particular', {}, {}, 'The service needs a user to run as.'],
    ['as a user that does not exist', { userName: 'no-such-user' }, {}, 'There is no user no-such-user.'],
    ['as what is no name', { userName: '-h x' }, {}, 'There is no user -h x.'],
  ])('never has it run %s', async (_name, options, environment, message) => {
    await expect(installService(terminal(environment), options, root())).rejects.toMatchObject({
      code: 'config.usage',
      message,
    });
    expect(calls()).toEqual([]);
  });

  test('for the machine by another than root says the command that works', async () => {
    await expect(installService(terminal(), { system: true, userName: 'daemon' }, host)).rejects.toMatchObject({
      code: 'service.failed',
      hint: expect.stringContaining(
        `sudo ${process.execPath} /opt/opus/bin/opus.mjs service install --system --user-name daemon --config ${project}/`,
      ) as string,
    });
    expect(existsSync(join(folder, 'system'))).toBe(false);
  });

  test('needs systemd, the vault, and paths that a unit can name', async () => {
    const nowhere = { ...host, bootedFolder: join(folder, 'absent') };
    await expect(installService(terminal(), {}, nowhere)).rejects.toMatchObject({
      code: 'service.unsupported',
      hint: expect.stringContaining('docs/operations-service.md') as string,
    });
    rmSync(join(project, 'vault'), { recursive: true });
    await expect(installService(terminal(), {}, host)).rejects.toMatchObject({ code: 'vault.not-found' });
    await expect(installService(terminal(), {}, { ...host, bin: '/a\nUser=root' })).rejects.toMatchObject({
      code: 'service.unsupported',
    });
    expect(existsSync(unitFile)).toBe(false);
  });

  test('says which file it could not write, and why', async () => {
    writeFileSync(join(folder, 'home/.config'), 'a file, where a folder should be');
    await expect(installService(terminal(), {}, host)).rejects.toMatchObject({
      code: 'service.failed',
      message: expect.stringMatching(/^Could not write .*opus-orchestrator\.service: /) as string,
    });
    rmSync(join(folder, 'home/.config'));
    writeConfig(join(project, 'vault'));
    writeFileSync(join(project, 'vault/vault'), '');
    writeFileSync(join(project, 'vault/.opus'), 'a file, where a folder should be');
    await expect(installService(terminal({}, { cwd: join(project, 'vault') }), {}, host)).rejects.toMatchObject({
      code: 'service.failed',
      message: expect.stringContaining('/vault/.opus') as string,
    });
    expect(existsSync(unitFile)).toBe(false);
  });

  test("reports a refusal in systemctl's own words", async () => {
    refuse('daemon-reload', 'Failed to connect to bus: No medium found\n');
    await expect(installService(terminal(), {}, host)).rejects.toMatchObject({
      code: 'service.failed',
      message: 'systemctl daemon-reload failed: Failed to connect to bus: No medium found',
      hint: expect.stringContaining('Log in as ada') as string,
    });
  });
});

describe('an installed service', () => {
  beforeEach(async () => {
    await installService(terminal(), {}, host);
    calls();
  });

  test('is stopped before its unit is removed, and its data stays', async () => {
    writeFileSync(join(project, '.opus/registry.db'), 'kept');
    const shown = terminal();
    expect(await uninstallService(shown, {}, host)).toBe(0);
    expect(calls()).toEqual([`${user} disable --now ${unit}`, `${user} daemon-reload`, `${user} reset-failed ${unit}`]);
    expect(existsSync(unitFile)).toBe(false);
    expect(readFileSync(join(project, '.opus/registry.db'), 'utf8')).toBe('kept');
    expect(await uninstallService(shown, {}, host)).toBe(0);
    expect(calls()).toEqual([]);
  });

  test('stays when it cannot be stopped, and keeps what a person wrote when it goes', async () => {
    appendFileSync(unitFile, '# mine\n');
    refuse('disable', 'Access denied\n');
    await expect(uninstallService(terminal(), {}, host)).rejects.toMatchObject({
      message: 'systemctl disable failed: Access denied',
    });
    expect(existsSync(unitFile)).toBe(true);
    rmSync(join(folder, 'disable.fails'));
    expect(await uninstallService(terminal(), {}, host)).toBe(0);
    expect(readFileSync(`${unitFile}.saved-1`, 'utf8')).toContain('# mine');
  });

  test.each(['start', 'restart'] as const)('says how it does after %s', async (verb) => {
    const shown = terminal();
    expect(await controlService(shown, verb, {}, host)).toBe(0);
    expect(calls().slice(0, 2)).toEqual([`${user} reset-failed ${unit}`, `${user} ${verb} ${unit}`]);
    expect(shown.outLines).toEqual(['The service is running (pid 4242).', '  2 jobs at work, 1 waiting']);
  });

  test('is stopped', async () => {
    answer('show', failedState.replaceAll('=failed', '=inactive').replace('exit-code', 'success'));
    const shown = terminal();
    expect(await controlService(shown, 'stop', {}, host)).toBe(0);
    expect(calls()[0]).toBe(`${user} stop ${unit}`);
    expect(shown.outLines).toEqual(['The service is stopped.']);
  });

  test('that does not start is no success', async () => {
    refuse('start', 'Job for opus-orchestrator.service failed.\nSee "journalctl -xeu".\n');
    await expect(controlService(terminal(), 'start', {}, host)).rejects.toMatchObject({
      code: 'service.failed',
      message: 'systemctl start failed: Job for opus-orchestrator.service failed. See "journalctl -xeu".',
      hint: expect.stringMatching(/service logs$/) as string,
    });
    rmSync(join(folder, 'start.fails'));
    answer('show', failedState);
    expect(await controlService(terminal(), 'start', {}, host)).toBe(3);
  });

  test('that runs says since when, with what, and what it said last; exit code 0', async () => {
    const shown = terminal();
    expect(await serviceStatus(shown, {}, host)).toBe(0);
    expect(shown.outLines).toEqual([
      'The service is running since Sat 2026-11-21 00:34:29 UTC.',
      '  active (running) · pid 4242 · 84 MB · restarted 2 times · starts by itself',
      '  It says: 2 jobs at work, 1 waiting',
    ]);
  });

  test('that ended says why, with the end of its log and the next command; exit code 3', async () => {
    answer('show', failedState);
    answer('journalctl', '2026-11-21T00:34:29+0000 host opus[7]: error opus.yml is not valid.\n');
    const shown = terminal();
    expect(await serviceStatus(shown, {}, host)).toBe(3);
    expect(shown.outLines).toEqual([
      'The service is not running (failed) since Sat 2026-11-21 00:34:29 UTC.',
      '  failed (failed) · starts by itself',
      '  It ended badly: exit code 2, an error in the configuration or the call, so it is not tried again.',
      '  The end of its log:',
      '    2026-11-21T00:34:29+0000 host opus[7]: error opus.yml is not valid.',
      expect.stringMatching(/^→ .*service start$/),
    ]);
  });

  test('is one document with --json', async () => {
    const shown = terminal();
    expect(await serviceStatus(shown, { json: true }, host)).toBe(0);
    expect(JSON.parse(shown.outLines.join('\n'))).toMatchObject({
      ...{ installed: true, running: true, scope: 'user', unit: unitFile, active: 'active', pid: 4242 },
      ...{ memory: 84_000_000, restarts: 2, says: '2 jobs at work, 1 waiting', failure: null, exitCode: null },
    });
    answer('show', failedState);
    const ended = terminal();
    expect(await serviceStatus(ended, { json: true }, host)).toBe(3);
    expect(JSON.parse(ended.outLines.join('\n'))).toMatchObject({
      ...{ running: false, pid: null, memory: null, failure: 'exit-code', exitCode: 2 },
    });
  });

  test('shows its log', async () => {
    answer('journalctl', 'first line\n\u001b[2Jsecond line\n');
    const shown = terminal();
    expect(await serviceLogs(shown, { lines: 7 }, host)).toBe(0);
    expect(shown.outLines).toEqual(['first line', 'second line']);
    expect(calls()).toEqual([`journalctl --user-unit=${unit} --no-pager --output=short-iso --lines=7`]);
  });

  test('shows its log as it grows, until a signal', async () => {
    writeFileSync(join(bin, 'journalctl'), `#!/bin/sh\necho "$*"\nexec sleep 600\n`);
    const stop = new AbortController();
    const shown = terminal({}, { signal: stop.signal });
    const ended = serviceLogs(shown, { follow: true }, host);
    await vi.waitFor(() => {
      expect(shown.outLines[0]).toContain('--lines=100 --follow');
    }, 10_000);
    stop.abort();
    expect(await ended).toBe(0);
  });

  test("reports journalctl's own words", async () => {
    refuse('journalctl', 'No journal files were opened due to insufficient permissions.\n');
    await expect(serviceLogs(terminal(), {}, host)).rejects.toMatchObject({
      code: 'service.failed',
      message: 'journalctl failed: No journal files were opened due to insufficient permissions.',
    });
  });
});

describe('without a service', () => {
  test('there is nothing to start, show or remove, and every command says so', async () => {
    const shown = terminal();
    expect(await serviceStatus(shown, {}, host)).toBe(3);
    expect(shown.outLines[0]).toMatch(/^The service is not installed\. To install it: .*service install$/);
    expect(await uninstallService(shown, {}, host)).toBe(0);
    const attempts = [() => controlService(shown, 'start', {}, host), () => serviceLogs(shown, {}, host)];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'service.failed',
        hint: expect.stringMatching(/service install$/) as string,
      });
    }
    expect(calls()).toEqual([]);
  });

  test('without systemctl there is no service, although systemd runs the machine', async () => {
    rmSync(join(bin, 'systemctl'));
    await expect(installService(terminal({ PATH: bin }), {}, host)).rejects.toMatchObject({
      code: 'service.unsupported',
    });
  });
});

const isBooted = existsSync('/run/systemd/system');
if (isBooted) console.warn('SKIPPED: systemd runs this machine, so what is said without it is not seen.');

test.skipIf(isBooted)('where systemd does not run the machine, the command says what to do instead', async () => {
  const opus = join(import.meta.dirname, '../../bin/opus.mjs');
  const child = spawn(process.execPath, [opus, 'service', 'status'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code).toBe(1);
  expect(err).toContain('There can be no service here: systemd does not run this machine. (service.unsupported)');
  expect(err).toMatch(/→ Run `.*opus.* serve` under a supervisor of your own/);
});
