import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentRequest } from '../../runner/core/ports/agent.ts';
import { gatewayTo, startCliModels, type ModelTurn } from './cli-models.ts';
import type { LabRun, nativeLab } from './native-lab.ts';

export const resultCommand = (summary: string): string => `printf '{"summary":"${summary}"}' > "$OPUS_RESULT_FILE"`;

const work: readonly ModelTurn[] = [
  { text: 'Writing.', write: { path: 'hello.txt', content: 'hello' }, run: resultCommand('did it') },
  { text: 'All done.' },
];
const fix: readonly ModelTurn[] = [
  { text: 'Fixing.', run: `echo fix > fix.txt; ${resultCommand('fixed')}` },
  { text: 'Fixed.' },
];

type Lab = ReturnType<typeof nativeLab>;

/** What every native driver is put through, live and for its transcripts; the last run is the one that counts. */
export const nativeCases = {
  success: (lab: Lab) => once(lab, work),
  resume: async (lab: Lab) => {
    const models = await startCliModels([...work, ...fix]);
    try {
      const first = await lab.run({ gateway: gatewayTo(models) });
      return await lab.run({ gateway: gatewayTo(models), session: first.outcome.report.session, round: 1 });
    } finally {
      await models.close();
    }
  },
  'unknown-tool': (lab: Lab) =>
    once(lab, [{ text: 'Trying.', unknownTool: 'teleport' }, { text: 'Well.', run: resultCommand('without') }, {}]),
  'unknown-session': (lab: Lab) => once(lab, work, { session: '99999999-9999-4999-8999-999999999999' }),
  'http-400': (lab: Lab) => once(lab, [{ fault: { status: 400 } }]),
  'http-401': (lab: Lab) => once(lab, [{ fault: { status: 401 } }]),
  'http-429': (lab: Lab) =>
    once(lab, [{ fault: { status: 429, headers: { 'retry-after': '1' } } }], { stallMs: 20_000 }),
  'http-429-silent': (lab: Lab) => once(lab, [{ fault: { status: 429 } }], { stallMs: 20_000 }),
  'http-529': (lab: Lab) => once(lab, [{ fault: { status: 529 } }], { stallMs: 20_000 }),
  dropped: (lab: Lab) => once(lab, [{ text: 'I begin', fault: { drop: true } }], { stallMs: 20_000 }),
  hang: (lab: Lab) => once(lab, [{ fault: { hang: true } }], { stallMs: 8_000 }),
  'kill-and-resume': async (lab: Lab) => {
    const [again, end] = fix;
    // Some tell the model of the kill in a turn of their own, others do not.
    const after = [again ?? {}, again ?? {}, end ?? {}, end ?? {}];
    const models = await startCliModels([{ text: 'Working.', run: 'touch started; sleep 600' }, ...after]);
    try {
      const stop = new AbortController();
      const running = lab.run({ gateway: gatewayTo(models), signal: stop.signal });
      await Promise.race([running, appears(join(lab.tree, 'started'))]);
      stop.abort();
      const killed = await running;
      // The next attempt starts from the last checkpoint.
      rmSync(join(lab.tree, 'started'), { force: true });
      return await lab.run({ gateway: gatewayTo(models), session: killed.outcome.report.session });
    } finally {
      await models.close();
    }
  },
} satisfies Record<string, (lab: Lab) => Promise<LabRun>>;

export type NativeCase = keyof typeof nativeCases;

async function once(lab: Lab, turns: readonly ModelTurn[], more: Partial<AgentRequest> = {}): Promise<LabRun> {
  const models = await startCliModels(turns);
  try {
    return await lab.run({ gateway: gatewayTo(models), ...more });
  } finally {
    await models.close();
  }
}

async function appears(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 20));
}
