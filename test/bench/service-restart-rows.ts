import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFinished } from '../../shared/domain/job.ts';
import type { Installed } from './installed.ts';
import { featureRequestId } from './job-lab.ts';
import { alternately, median, plainRow, type Row } from './measure.ts';
import { idleNotes, makeServiceLab, sayWhen, type ServiceLab } from './service-lab.ts';
import { startSession, until, untilJob, type ServiceSession } from './service-session.ts';

const kills = 3;

export async function restartRows(installed: Installed): Promise<Row[]> {
  const lab = makeServiceLab({ script: sayWhen });
  idleNotes(lab, 200);
  const hang = join(lab.folder, 'agent', 'hang-code');
  writeFileSync(hang, '');
  let session = await startSession(installed, lab);
  try {
    lab.save(1, { status: 'planned' });
    const { id } = await untilJob(session, featureRequestId(1), ({ runState }) => runState === 'code');
    const took: number[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      const killed = await lastBegun(lab, session, id, 0);
      await session.kill();
      const startedAt = Date.now();
      session = await startSession(installed, lab);
      took.push((await lastBegun(lab, session, id, killed)) - startedAt);
    }
    const status = await statusRows(installed, lab);
    rmSync(hang);
    await session.kill();
    session = await startSession(installed, lab);
    await untilJob(session, featureRequestId(1), ({ waitingFor }) => waitingFor === 'approval');
    await session.client.call('approval.decide', { job: id, kind: 'approve', person: 'bench' });
    const ended = await untilJob(session, featureRequestId(1), (job) => isFinished(job.status));
    if (ended.status !== 'succeeded') throw new Error(`The killed job ended as ${ended.status}.`);
    return [
      plainRow(
        'service started after `kill -9` in a stage, until the agent is at work again',
        'ms',
        median(took),
        2_000,
      ),
      ...status,
    ];
  } finally {
    await session.stop();
    lab.remove();
  }
}

/** When the newest of the coder's attempts began, by what the agent says; after the given moment. */
async function lastBegun(lab: ServiceLab, session: ServiceSession, id: string, after: number): Promise<number> {
  return until(
    () => {
      const attempt = session.registry.attempts(id).at(-1);
      const log = join(lab.data, 'logs', id, `${attempt?.id ?? ''}.log`);
      if (attempt?.stage !== 'code' || attempt.status !== 'running' || !existsSync(log)) return null;
      const began = Number(/began at (\d+\.\d+)/.exec(readFileSync(log, 'utf8'))?.[1] ?? NaN) * 1_000;
      return began > after ? began : null;
    },
    { what: `an agent at work on ${id}` },
  );
}

async function statusRows(installed: Installed, lab: ServiceLab): Promise<Row[]> {
  const node = (...words: string[]): string => execFileSync(process.execPath, words, { encoding: 'utf8' });
  const said = node(installed.bin, 'status', '--config', lab.configFile);
  if (!said.includes(featureRequestId(1))) throw new Error(`opus status does not show the job: ${said}`);
  const { one, other } = await alternately(
    21,
    () => {
      node(installed.bin, 'status', '--config', lab.configFile);
    },
    () => {
      node('-e', '0');
    },
  );
  const what = '`opus status` with a running service, whole process';
  return [
    {
      what,
      unit: 'ms',
      measured: one,
      reference: { name: '`node -e 0`', value: other },
      limit: { of: 'ratio', at: 2.5 },
    },
    plainRow('the same, absolute', 'ms', one, 100),
  ];
}
