import type { BoardJob } from '../../protocol/board.ts';
import { statusWord, waitSentence } from '../../view-model/job-words.ts';
import { gateOf } from '../../view-model/shown-gate.ts';
import { useHost, useRunnerNow, useRunnerState } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import { PlainButton } from '../frame/plain-button.tsx';
import { DecisionButtons } from '../job/decision-buttons.tsx';
import { findJob, type ShownJob } from '../job/find-job.ts';
import { JobFacts } from '../job/job-facts.tsx';
import { JobToolbar } from '../job/job-toolbar.tsx';
import { StageBar, StageLine } from '../job/stage-bar.tsx';
import { webAddress } from '../job/web-address.ts';

/** A job where its pull request, or it, is named in a note. */
export function JobCard(shown: ShownJob) {
  const host = useHost();
  const { jobs, connection } = useRunnerState();
  const job = findJob(jobs.values(), shown);
  if (job !== null) return <Card job={job} />;
  const name = shown.job ?? shown.pullRequest ?? '';
  const url = shown.pullRequest === undefined ? null : webAddress(shown.pullRequest);
  return (
    <div class="opus-card">
      <p class="opus-quiet">
        {connection.kind === 'connected'
          ? `The runner knows no job of ${name}.`
          : `Nothing is known of ${name} while the runner cannot be reached.`}
      </p>
      {url !== null && (
        <PlainButton
          label="Open pull request"
          icon="git-pull-request"
          bare={false}
          onPress={() => {
            host.openUrl(url);
          }}
        />
      )}
    </div>
  );
}

const stateIcons: Record<BoardJob['status'], string> = {
  queued: 'clock',
  running: 'circle-play',
  waiting: 'hourglass',
  paused: 'circle-pause',
  succeeded: 'circle-check',
  failed: 'circle-x',
  canceled: 'ban',
};

function Card({ job }: { readonly job: BoardJob }) {
  const now = useRunnerNow(30_000);
  const gate = job.status === 'waiting' ? gateOf(job) : null;
  const sentence = waitSentence(job, now);
  const pullRequest = job.pr === null ? '' : `, #${job.pr.number} ${job.pr.state}`;
  return (
    <article class="opus-card" aria-label={`Job ${job.job}`}>
      <header class="opus-card-head">
        <Icon name={stateIcons[job.status]} kind={`opus-end-${job.status}`} />
        <span class="opus-card-title">
          <span class="opus-fr">{job.fr}</span> <span>{job.title}</span>
        </span>
        <span class="opus-badge">{`${statusWord(job)}${pullRequest}`}</span>
      </header>
      {job.status === 'running' && <StageBar job={job} />}
      <StageLine job={job} />
      {sentence !== '' && <p class="opus-quiet">{sentence}</p>}
      {job.question !== null && <blockquote class="opus-question">{job.question}</blockquote>}
      <JobFacts job={job} />
      {gate !== null && <DecisionButtons job={job} gate={gate} />}
      <JobToolbar job={job} />
    </article>
  );
}
