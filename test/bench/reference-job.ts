import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { JobLab } from './job-lab.ts';
import type { SpawnedProcess } from './spawn-record.ts';

/** The sandboxes of a job in the order of their starts. */
const names = ['plan', 'code', 'staging', 'test', 'review', 'merge'];

/** The job without a runner, in a data folder and an origin of its own. */
export interface ReferenceJob {
  /** Writes down the command lines and returns what runs the script. */
  prepare(number: number): () => Promise<void>;
}

/** Takes the real command lines of the sandboxes from a recorded job and moves them to the reference's own folders. */
export function makeReferenceJob(
  lab: JobLab,
  script: string,
  recordedJob: string,
  spawned: readonly SpawnedProcess[],
): ReferenceJob {
  const launches = spawned.filter(({ options }) => options !== '');
  if (launches.length !== names.length) {
    throw new Error(`A job starts ${launches.length} sandboxes; the reference script knows of ${names.length}.`);
  }
  const data = join(lab.folder, 'plain');
  const origin = join(lab.folder, 'plain-origin.git');
  cpSync(lab.origin, origin, { recursive: true });
  cpSync(join(lab.folder, '.opus', 'repos'), join(data, 'repos'), { recursive: true });

  function moved(text: string, job: string): string {
    return text
      .replaceAll(join(lab.folder, '.opus'), data)
      .replaceAll(recordedJob, job)
      .replace(/\0OPUS_BASE_TREE\0[0-9a-f]+\0/, '\0OPUS_BASE_TREE\0@BASE_TREE@\0');
  }

  return {
    prepare(number) {
      const job = `REF-${String(number).padStart(3, '0')}-1`;
      const folder = join(lab.folder, 'launches');
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      mkdirSync(join(data, 'logs', job), { recursive: true });
      for (const [index, name] of names.entries()) {
        const launch = launches[index];
        if (launch === undefined) continue;
        const options = join(folder, `${name}.options`);
        writeFileSync(options, moved(launch.options, job));
        const log = join(data, 'logs', job, `${name}.log`);
        const command = commandLine(launch).map(quoted).join(' ');
        writeFileSync(
          join(folder, `${name}.sh`),
          `${command} < /dev/null 3< ${quoted(options)} 4> /dev/null > ${quoted(log)} 2>&1\n`,
        );
      }
      const branch = join(origin, 'refs', 'heads', 'main');
      const before = readFileSync(branch, 'utf8');
      return async () => {
        const child = spawn('/bin/sh', [script, data, origin, job, folder], {
          stdio: ['ignore', 'inherit', 'inherit'],
          env: { PATH: process.env['PATH'] },
        });
        const [code] = (await once(child, 'exit')) as [number | null];
        if (code !== 0) throw new Error(`The reference script ended with ${code ?? 'a signal'}.`);
        // A script that did nothing would be the fastest.
        if (readFileSync(branch, 'utf8') === before) throw new Error(`The reference script did not merge ${job}.`);
      };
    },
  };
}

/** From bubblewrap on: what puts it into a control group has a folder that is gone by now. */
function commandLine(launch: SpawnedProcess): string[] {
  const all = [launch.file, ...launch.args];
  const start = all.findIndex((word) => basename(word) === 'bwrap');
  return all.slice(start);
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
