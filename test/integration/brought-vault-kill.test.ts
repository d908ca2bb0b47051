import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { doctor } from '../../runner/cli/doctor.ts';
import { init } from '../../runner/cli/init.ts';
import { newFeatureRequest } from '../../runner/cli/fr-new.ts';
import { openVault } from '../../runner/compose-plugin-vault.ts';
import { loadConfig } from '../../runner/config/load.ts';
import type { RunnerConfig } from '../../runner/core/configuration.ts';
import { startScript } from '../support/child-process.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

function makeConfig(vault: string): RunnerConfig {
  const folder = mkdtempSync(join(tmpdir(), 'opus-elsewhere-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'opus.yml');
  writeFileSync(file, `vault: ${vault}\nrepos: { app: { url: ./app.git } }\ndata: ./data\n`);
  return loadConfig(file);
}

it(
  'is one state of the vault or the next after a kill at any time, and goes on from it',
  { timeout: 60_000 },
  async () => {
    const config = makeConfig('{ writer: plugin }');
    for (let round = 0; round < 12; round += 1) {
      const script = startScript('bring-states.ts', config.data);
      await script.line(() => script.lines.length > round % 4);
      await script.kill();
      const vault = openVault(config);
      const notes = await vault.scan();
      expect(notes).toHaveLength(30);
      const bodies = await Promise.all(notes.map(async ({ path }) => (await vault.read(path))?.body));
      const states = new Set(bodies.map((body) => /^State \d+/.exec(body ?? '')?.[0]));
      expect([...states]).toEqual([expect.stringMatching(/^State \d+$/)]);
    }
  },
);

it('is looked at by commands, which write nothing into it and say so', async () => {
  const config = makeConfig('{ writer: plugin, name: Notes }');
  const terminal = fakeTerminal({ cwd: config.folder });
  const options = { config: config.file };
  await doctor(terminal, options);
  expect(terminal.outLines.join('\n')).toContain('no device has brought it yet');
  await expect(newFeatureRequest(terminal, 'Dark mode', options)).rejects.toMatchObject({ code: 'vault.not-found' });

  const script = startScript('bring-states.ts', config.data);
  await script.line((line) => line === '1');
  await script.kill();
  const after = fakeTerminal({ cwd: config.folder });
  await doctor(after, options);
  expect(after.outLines.join('\n')).toContain('Obsidian brings and writes it; 30 notes were brought.');
  await expect(newFeatureRequest(after, 'Dark mode', options)).rejects.toMatchObject({
    code: 'vault.nobody-writes',
    message: expect.stringContaining('the vault is not on this machine') as string,
  });
  expect(await init(after, options)).toBe(0);
  expect(after.errLines.join('\n')).toContain('no notes are written');
});
