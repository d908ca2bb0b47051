import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
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
import { connectToService } from '../../runner/cli/service-client.ts';
import { readServiceFile, writeServiceFile } from '../../runner/server/service-file.ts';
import { aService } from '../support/server-stand-in.ts';

describe('the service of a data folder', () => {
  let data: string;
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'opus-service-'));
  });
  afterEach(() => {
    rmSync(data, { recursive: true, force: true });
  });

  async function deadPid(): Promise<number> {
    const child = spawn(process.execPath, ['-e', '0']);
    await once(child, 'exit');
    return child.pid ?? 0;
  }

  describe('is found by its file', () => {
    it('which its owner alone may read and which holds what was written', () => {
      const written = writeServiceFile(data, aService());
      expect(statSync(join(data, 'service.json')).mode & 0o777).toBe(0o600);
      expect(readdirSync(data)).toEqual(['service.json']);
      expect(readServiceFile(data)).toEqual(aService());
      written.remove();
      written.remove();
      expect(readdirSync(data)).toEqual([]);
    });

    it('unless its process is gone', async () => {
      writeServiceFile(data, aService({ pid: await deadPid() }));
      expect(readServiceFile(data)).toBeNull();
      expect(connectToService(data)).toBeNull();
    });

    it.each([
      ['absent', null],
      ['empty', ''],
      ['cut off', '{"url":"http://127'],
      ['no object', '[]'],
      ['without a token', JSON.stringify({ ...aService(), token: undefined })],
      ['with a token that would be two headers', JSON.stringify(aService({ token: 'a\r\nhost: b' }))],
      ['with a process group for a process', JSON.stringify(aService({ pid: -1 }))],
      ['with an address of another kind', JSON.stringify(aService({ url: 'file:///etc/passwd' }))],
    ])('unless that is %s', (_what, text) => {
      if (text !== null) writeFileSync(join(data, 'service.json'), text);
      expect(readServiceFile(data)).toBeNull();
    });

    it('unless that leads elsewhere, which writing replaces', () => {
      const elsewhere = join(data, 'elsewhere.json');
      const before = JSON.stringify(aService());
      writeFileSync(elsewhere, before);
      symlinkSync(elsewhere, join(data, 'service.json'));
      expect(readServiceFile(data)).toBeNull();
      writeServiceFile(data, aService({ version: '2' }));
      expect(readServiceFile(data)?.version).toBe('2');
      expect(readFileSync(elsewhere, 'utf8')).toBe(before);
    });

    it('which an older service does not remove once a newer one has written its own', () => {
      const older = writeServiceFile(data, aService({ token: 'older' }));
      writeServiceFile(data, aService({ token: 'newer' }));
      older.remove();
      expect(readServiceFile(data)?.token).toBe('newer');
    });

    it('which can be removed though its process is not asked', async () => {
      const written = writeServiceFile(data, aService({ pid: await deadPid() }));
      written.remove();
      expect(existsSync(join(data, 'service.json'))).toBe(false);
    });
  });
});
