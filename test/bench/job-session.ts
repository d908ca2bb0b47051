// A process of its own, bundled as the product is: how large a runner is decides what starting a process costs it.
//   job-session.ts REFERENCE_SCRIPT ROUNDS
import { makeJobLab, runJob } from './job-lab.ts';
import { alternately } from './measure.ts';
import { makeReferenceJob } from './reference-job.ts';
import { recordSpawns } from './spawn-record.ts';

export interface JobSession {
  readonly job: number;
  readonly script: number;
  readonly gits: number;
  readonly sandboxes: number;
}

const [script = '', rounds = '9'] = process.argv.slice(2);
const warmUps = 3;
const lab = makeJobLab(Number(rounds) + warmUps + 1);
try {
  const runner = await lab.openRunner();
  try {
    for (let number = 1; number < warmUps; number += 1) await runJob(runner, number);
    const record = recordSpawns();
    const recorded = await runJob(runner, warmUps);
    record.stop();
    const reference = makeReferenceJob(lab, script, recorded, record.spawned);
    await reference.prepare(0)();
    let next = (): Promise<void> => Promise.resolve();
    const { one, other } = await alternately(
      Number(rounds),
      async (round) => {
        await runJob(runner, warmUps + 1 + round);
      },
      () => next(),
      (round) => {
        next = reference.prepare(1 + round);
      },
    );
    const session: JobSession = {
      job: one,
      script: other,
      gits: record.spawned.filter(({ file }) => file === 'git').length,
      sandboxes: record.spawned.filter(({ options }) => options !== '').length,
    };
    console.log(JSON.stringify(session));
  } finally {
    await runner.stop();
  }
} finally {
  lab.remove();
}
