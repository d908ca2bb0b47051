import type { JSX } from 'preact';
import { counted } from '../../view-model/formats.ts';
import { sidebarModel, type JobRow } from '../../view-model/sidebar-model.ts';
import { useHost, useNow, useRunnerState } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import { PlainButton } from '../frame/plain-button.tsx';
import { Section } from '../frame/section.tsx';
import { Backlog } from './backlog.tsx';
import { ConnectionLine } from './connection-line.tsx';
import { AskingRow, FailureRow, FinishedRow, PausedRow, QueueRow, RunningRow } from './job-row.tsx';
import { PauseEverything, RunnerLine, Spending } from './runner-line.tsx';

/** What needs a person on top, then what runs, waits and ended. */
export function Sidebar() {
  const host = useHost();
  const state = useRunnerState();
  const model = sidebarModel(state, useNow(1_000));
  const groups = model.isStale && state.runner !== null ? 'opus-groups opus-stale' : 'opus-groups';
  return (
    <>
      <ConnectionLine />
      <p class="opus-hidden" aria-live="polite">
        {model.asking.length === 0 ? '' : `${counted(model.asking.length, 'decision')} asked for`}
      </p>
      <div class={groups}>
        <Group title="Decisions" rows={model.asking} Row={AskingRow} kind="opus-section-gates" />
      </div>
      <RunnerLine pause={model.pause} problems={model.problems} />
      {model.backlog !== null && <Backlog {...model.backlog} />}
      {model.untrusted !== null && (
        <div class="opus-note-box">
          <p class="opus-tone-warning">
            <Icon name="shield-alert" /> <span>{model.untrusted.sentence}</span>
          </p>
          <PlainButton
            label="Look at the changes"
            icon="file-diff"
            bare={false}
            onPress={() => {
              host.openView('trust');
            }}
          />
        </div>
      )}
      <div class={groups}>
        <Group title="Failures" rows={model.failures} Row={FailureRow} />
        <Group
          title="Running"
          rows={model.running}
          Row={RunningRow}
          empty={state.runner === null ? '' : 'Nothing runs.'}
        />
        <Group title="Queue" rows={model.queue} Row={QueueRow} />
        <Group title="Paused" rows={model.paused} Row={PausedRow} />
        <Group title="Recently finished" rows={model.finished} Row={FinishedRow} />
      </div>
      <footer class="opus-foot">
        <Spending spending={model.spending} />
        <div class="opus-buttons">
          <PauseEverything pause={model.pause} />
          <PlainButton
            label="Open board"
            icon="square-kanban"
            bare={false}
            onPress={() => {
              host.openView('board');
            }}
          />
        </div>
      </footer>
    </>
  );
}

interface GroupOptions<Row extends JobRow> {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly Row: (options: { readonly row: Row }) => JSX.Element;
  readonly kind?: string;
  /** Said instead of leaving the group out. */
  readonly empty?: string;
}

function Group<Row extends JobRow>({ title, rows, Row, kind = '', empty = '' }: GroupOptions<Row>) {
  if (rows.length === 0 && empty === '') return null;
  return (
    <Section title={title} count={rows.length} kind={kind}>
      {rows.length === 0 ? (
        <p class="opus-quiet">{empty}</p>
      ) : (
        <ul class="opus-rows">
          {rows.map((row) => (
            <Row key={row.job.job} row={row} />
          ))}
        </ul>
      )}
    </Section>
  );
}
