import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Installed } from './installed.ts';
import { makeJobLab, type JobLab } from './job-lab.ts';
import { alternately, median, type Row } from './measure.ts';

const kills = 3;

/** Starts the command line program and settles when a line of what it says about the job satisfies; returns how to end it. */
async function startUntil(installed: Installed, lab: JobLab, words: readonly string[], wanted: RegExp) {
  const began = performance.now();
  const child = spawn(process.execPath, [installed.bin, ...words, '--config', lab.configFile], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exit = once(child, 'exit');
  const said: string[] = [];
  const took = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      if (wanted.test(line)) resolve(performance.now() - began);
    });
    void exit.then(() => {
      reject(new Error(`opus ${words.join(' ')} ended early: ${said.join(' | ')}`));
    });
  });
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exit;
  };
  return { took, kill, exit };
}

export async function commandRows(installed: Installed): Promise<Row[]> {
  const lab = makeJobLab(1);
  try {
    execFileSync(process.execPath, [installed.bin, 'trust', '--all', '--config', lab.configFile], { stdio: 'pipe' });
    const hang = join(lab.folder, 'agent', 'hang');
    writeFileSync(hang, '');
    const run = ['run', 'FR-001'];
    await (await startUntil(installed, lab, run, /code/)).kill();
    const restarts: number[] = [];
    for (let round = 0; round < kills; round += 1) {
      const again = await startUntil(installed, lab, run, /code/);
      restarts.push(again.took);
      await again.kill();
    }
    rmSync(hang);
    const finished = spawnSync(process.execPath, [installed.bin, ...run, '--approve', '--config', lab.configFile], {
      encoding: 'utf8',
    });
    if (finished.status !== 0) throw new Error(`The killed job did not end well: ${finished.stderr}`);
    return [restartRow(median(restarts)), await statusRow(installed, lab)];
  } finally {
    lab.remove();
  }
}

function restartRow(measured: number): Row {
  return {
    what: 'start after `kill -9` in a stage, until the job goes on',
    unit: 'ms',
    measured,
    reference: null,
    limit: { of: 'value', at: 2_000 },
  };
}

async function statusRow(installed: Installed, lab: JobLab): Promise<Row> {
  const node = (...words: string[]): void => {
    execFileSync(process.execPath, words, { stdio: 'pipe' });
  };
  const { one, other } = await alternately(
    21,
    () => {
      node(installed.bin, 'status', '--config', lab.configFile);
    },
    () => {
      node('-e', '0');
    },
  );
  return {
    what: '`opus status`, whole process',
    unit: 'ms',
    measured: one,
    reference: { name: '`node -e 0`', value: other },
    limit: { of: 'ratio', at: 2.5 },
  };
}

export function sizeRow(installed: Installed): Row {
  return {
    what: 'plugin main.js, minified',
    unit: 'kB',
    measured: statSync(join(installed.folder, 'dist', 'plugin', 'main.js')).size / 1000,
    reference: null,
    limit: { of: 'value', at: 200 },
  };
}
