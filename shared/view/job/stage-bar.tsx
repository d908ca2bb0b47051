import type { BoardJob } from '../../protocol/board.ts';
import { elapsed } from '../../view-model/formats.ts';
import { stageLine, stageProgress } from '../../view-model/stage-progress.ts';
import { useRunnerNow } from '../frame/host-context.ts';

interface StageOptions {
  readonly job: BoardJob;
}

/** How far a job is: one mark for each stage, told apart by shape and said in words. */
export function StageBar({ job }: StageOptions) {
  return (
    <ol class="opus-stages" aria-label="Stages">
      {stageProgress(job).map(({ name, mark, text }) => (
        <li key={name} class={`opus-stage opus-stage-${mark}`} title={text}>
          <span class="opus-hidden">{text}</span>
        </li>
      ))}
    </ol>
  );
}

/** `Code, round 2 · claude-coder · 4m 05s`, ticking. */
export function StageLine({ job }: StageOptions) {
  const now = useRunnerNow(1_000);
  if (job.stage === null) return null;
  return (
    <p class="opus-stage-line">
      <span class="opus-stage-name">{stageLine(job)}</span>
      {job.agent !== null && <span class="opus-agent">{job.agent}</span>}
      <span class="opus-elapsed">{elapsed(now - job.stage.startedAt)}</span>
    </p>
  );
}
