import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentRequest } from '../../runner/core/ports/agent.ts';
import { startCliModels, type CliModels, type ModelScript, type ModelTurn } from './cli-models.ts';
import type { DriverLab as Lab, LabRun } from './driver-lab.ts';

export const resultCommand = (summary: string): string => `printf '{"summary":"${summary}"}' > "$OPUS_RESULT_FILE"`;

/** Some refuse to write a path that is not absolute. */
const workIn = ({ tree }: Lab): ModelTurn[] => [
  { text: 'Writing.', write: { path: join(tree, 'hello.txt'), content: 'hello' }, run: resultCommand('did it') },
  { text: 'All done.' },
];
const fix: readonly ModelTurn[] = [
  { text: 'Fixing.', run: `echo fix > fix.txt; ${resultCommand('fixed')}` },
  { text: 'Fixed.' },
];

/** What every native driver and every agent that speaks ACP is put through, live and for its transcripts; the last run is the one that counts. */
export const nativeCases = {
  success: (lab: Lab) => once(lab, workIn(lab)),
  resume: (lab: Lab) =>
    withModels([...workIn(lab), ...fix], async (models) => {
      const first = await reaching(lab, models, {});
      return await reaching(lab, models, { session: first.outcome.report.session, round: 1 });
    }),
  'unknown-tool': (lab: Lab) =>
    once(lab, [{ text: 'Trying.', unknownTool: 'teleport' }, { text: 'Well.', run: resultCommand('without') }, {}]),
  'malformed-tool': (lab: Lab) =>
    once(lab, [{ text: 'Trying.', malformedCall: true }, { text: 'Well.', run: resultCommand('without') }, {}]),
  'unknown-session': (lab: Lab) => once(lab, workIn(lab), { session: '99999999-9999-4999-8999-999999999999' }),
  'http-400': (lab: Lab) => once(lab, [{ fault: { status: 400 } }]),
  'http-401': (lab: Lab) => once(lab, [{ fault: { status: 401 } }]),
  'http-429': (lab: Lab) =>
    once(lab, [{ fault: { status: 429, headers: { 'retry-after': '1' } } }], { stallMs: 20_000 }),
  'http-429-silent': (lab: Lab) => once(lab, [{ fault: { status: 429 } }], { stallMs: 20_000 }),
  'http-529': (lab: Lab) => once(lab, [{ fault: { status: 529 } }], { stallMs: 20_000 }),
  dropped: (lab: Lab) => once(lab, [{ text: 'I begin', fault: { drop: true } }], { stallMs: 20_000 }),
  hang: (lab: Lab) => once(lab, [{ fault: { hang: true } }], { stallMs: 8_000 }),
  'kill-and-resume': (lab: Lab) => {
    const [again = {}, end = {}] = fix;
    // Some tell the model of the kill in a turn of their own, others do not, and some have lost all that was before.
    const after = [again, again, end, end];
    const stop = new AbortController();
    const script: ModelScript = (turn) =>
      stop.signal.aborted
        ? (after[Math.max(0, turn - 1)] ?? {})
        : { text: 'Working.', run: 'touch started; sleep 600' };
    return withModels(script, async (models) => {
      const running = reaching(lab, models, { signal: stop.signal });
      await Promise.race([running, appears(join(lab.tree, 'started'))]);
      stop.abort();
      const killed = await running;
      // The next attempt starts from the last checkpoint.
      rmSync(join(lab.tree, 'started'), { force: true });
      return await reaching(lab, models, { session: killed.outcome.report.session });
    });
  },
} satisfies Record<string, (lab: Lab) => Promise<LabRun>>;

export type NativeCase = keyof typeof nativeCases;

function once(lab: Lab, turns: readonly ModelTurn[], more: Partial<AgentRequest> = {}): Promise<LabRun> {
  return withModels(turns, (models) => reaching(lab, models, more));
}

async function withModels(script: ModelScript, run: (models: CliModels) => Promise<LabRun>): Promise<LabRun> {
  const models = await startCliModels(script);
  try {
    return await run(models);
  } finally {
    await models.close();
  }
}

async function reaching(lab: Lab, models: CliModels, more: Partial<AgentRequest>): Promise<LabRun> {
  const gateway = await lab.reach(models);
  try {
    return await lab.run({ gateway, ...more });
  } finally {
    await gateway.close();
  }
}

async function appears(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 20));
}
