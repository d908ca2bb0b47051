import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { locateConfig } from '../../runner/cli/configuration.ts';
import { status } from '../../runner/cli/status.ts';
import { composeRunner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import { writeServiceFile } from '../../runner/server/service-file.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

let folder: string;
let file: string;
const sound = 'vault: { path: ./vault }\nrepos: { app: { url: ./app.git } }\n';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'status-'));
  file = join(folder, 'opus.yml');
  mkdirSync(join(folder, '.opus'));
  writeFileSync(file, sound);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('a service is looked at also while an edit has broken opus.yml, and that is said', async () => {
  const terminal = fakeTerminal({ cwd: folder });
  locateConfig(terminal, undefined);
  const about = {
    url: 'http://127.0.0.1:1',
    pid: process.pid,
    token: 't',
    version: '0',
    startedAt: 0,
    certificate: null,
  };
  const service = writeServiceFile(join(folder, '.opus'), about);
  writeFileSync(file, `${sound}concurency: 3\n`);
  expect(await status(terminal, { json: true })).toBe(0);
  expect(terminal.errLines.join('\n')).toContain('`concurency`');
  service.remove();
  await expect(status(terminal, { json: true })).rejects.toMatchObject({ code: 'config.invalid' });
});

it.each([['engine: { kind: postgres, url: env:DATABASE_URL }', 'postgres']])(
  'what this version cannot do is refused, not passed over: %s',
  async (line, named) => {
    writeFileSync(file, `${sound.replace(/^vault.*\n/, line.startsWith('vault') ? '' : '$&')}${line}\n`);
    const refused: unknown = await composeRunner(loadConfig(file)).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: 'config.invalid' });
    expect(String(refused)).toContain(named);
  },
);
