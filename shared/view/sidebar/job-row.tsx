import type { ComponentChildren } from 'preact';
import type { BoardJob } from '../../protocol/board.ts';
import { dollars, relativeTime } from '../../view-model/formats.ts';
import type { GateRow, JobRow } from '../../view-model/sidebar-model.ts';
import { useHost, useRunnerNow } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import { WithCode } from '../frame/with-code.tsx';
import { doableActions } from '../job/act-on-job.ts';
import { DecisionButtons } from '../job/decision-buttons.tsx';
import { gateQuestions } from '../job/gate-questions.ts';
import { JobFacts } from '../job/job-facts.tsx';
import { JobActionButton, JobToolbar } from '../job/job-toolbar.tsx';
import { StageBar, StageLine } from '../job/stage-bar.tsx';

/** Opens the note, where notes can be opened. */
function JobTitle({ job }: { readonly job: BoardJob }) {
  const { openNote } = useHost();
  const content = (
    <>
      <span class="opus-fr">{job.fr}</span> <span>{job.title}</span>
    </>
  );
  return (
    <h3 class="opus-row-title">
      {openNote === null ? (
        <span>{content}</span>
      ) : (
        <button
          type="button"
          class="opus-link"
          onClick={() => {
            openNote(job.notePath);
          }}
        >
          {content}
        </button>
      )}
      <span class={`opus-priority opus-priority-${job.priority}`}>{job.priority}</span>
    </h3>
  );
}

export function AskingRow({ row }: { readonly row: GateRow }) {
  const { job, gate, question } = row;
  const restsOnFacts = gate.kind === 'merge' || gate.kind === 'ci';
  return (
    <li class="opus-row opus-row-gate">
      <JobTitle job={job} />
      <p class="opus-question-title">{gateQuestions[gate.kind]}</p>
      {question !== null && <blockquote class="opus-question">{question}</blockquote>}
      {restsOnFacts && <JobFacts job={job} />}
      {!restsOnFacts && job.dollars !== null && <p class="opus-quiet">{dollars(job.dollars)} spent on it</p>}
      {job.leftToPerson.length > 0 && <p class="opus-quiet">Left to a person: {job.leftToPerson.join('; ')}</p>}
      <DecisionButtons job={job} gate={gate} />
      <JobToolbar job={job} />
    </li>
  );
}

interface RowOptions {
  readonly row: JobRow;
}

function Sentence({ icon, children }: { readonly icon: string; readonly children: ComponentChildren }) {
  return (
    <p class="opus-quiet">
      <Icon name={icon} />
      <span>{children}</span>
    </p>
  );
}

export function FailureRow({ row }: RowOptions) {
  const { job, sentence, status } = row;
  const retry = doableActions(job).find(({ name }) => name === 'retry');
  const hint = job.error?.hint ?? null;
  return (
    <li class="opus-row opus-row-stuck">
      <JobTitle job={job} />
      <p class="opus-tone-bad">
        <Icon name="octagon-alert" />
        <span>
          <strong>{status}.</strong> {sentence}
        </span>
      </p>
      {hint !== null && (
        <p class="opus-quiet">
          <span>
            <WithCode text={hint} />
          </span>
        </p>
      )}
      {retry !== undefined && (
        <div class="opus-buttons">
          <JobActionButton job={job} action={retry} />
        </div>
      )}
      <JobToolbar job={job} without={['retry']} />
    </li>
  );
}

export function RunningRow({ row }: RowOptions) {
  return (
    <li class="opus-row">
      <JobTitle job={row.job} />
      <StageBar job={row.job} />
      <StageLine job={row.job} />
      <JobToolbar job={row.job} />
    </li>
  );
}

export function QueueRow({ row }: RowOptions) {
  return (
    <li class="opus-row">
      <JobTitle job={row.job} />
      <Sentence icon="hourglass">{row.sentence}</Sentence>
      <JobToolbar job={row.job} />
    </li>
  );
}

export function PausedRow({ row }: RowOptions) {
  const { job, sentence } = row;
  const resume = doableActions(job).find(({ name }) => name === 'resume');
  return (
    <li class="opus-row">
      <JobTitle job={job} />
      <Sentence icon="circle-pause">{sentence}</Sentence>
      {resume !== undefined && (
        <div class="opus-buttons">
          <JobActionButton job={job} action={resume} />
        </div>
      )}
      <JobToolbar job={job} without={['resume']} />
    </li>
  );
}

const endIcons: Partial<Record<BoardJob['status'], string>> = { succeeded: 'circle-check', canceled: 'ban' };

export function FinishedRow({ row }: RowOptions) {
  const { job, status } = row;
  const now = useRunnerNow(30_000);
  return (
    <li class="opus-row">
      <JobTitle job={job} />
      <p class="opus-quiet">
        <Icon name={endIcons[job.status] ?? 'circle-x'} kind={`opus-end-${job.status}`} />
        <span>
          {`${status} ${relativeTime(job.updatedAt, now)}`}
          {job.dollars !== null && `, ${dollars(job.dollars)}`}
        </span>
      </p>
      <JobToolbar job={job} />
    </li>
  );
}
