import { useMemo, useState } from 'preact/hooks';
import { noteStatuses, priorities } from '../../domain/feature-request.ts';
import { counted, sentenceCase } from '../../view-model/formats.ts';
import { unreachableReason, useHost, useRunnerState } from '../frame/host-context.ts';
import type { BoardFeatureRequest } from '../../protocol/board.ts';
import { PlainButton } from '../frame/plain-button.tsx';
import { boardModel, noFilter } from '../../view-model/board-model.ts';
import { BoardTable } from './board-table.tsx';
import { Choice } from './choice.tsx';
import { Columns } from './columns.tsx';
import { useMoves } from './use-moves.ts';

export type BoardMode = 'board' | 'table';

export interface BoardOptions {
  readonly mode?: BoardMode;
  /** Called when a person chooses another one, so that it can be remembered. */
  readonly onMode?: (mode: BoardMode) => void;
  /** Only these, as their notes are, instead of all that the runner knows. */
  readonly featureRequests?: readonly BoardFeatureRequest[];
}

const shows = ['all', 'problems'] as const;
const showNames = { all: 'Everything', problems: 'With problems' };

/** All FRs by their status, to be moved between columns, or as a table. */
export function Board({ mode: modeAtFirst = 'board', onMode, featureRequests: given }: BoardOptions) {
  const host = useHost();
  const state = useRunnerState();
  const { jobs, runner } = state;
  const [mode, setMode] = useState(modeAtFirst);
  const [filter, setFilter] = useState(noFilter);
  const moves = useMoves(given);
  const { featureRequests } = moves;
  const model = useMemo(() => boardModel({ featureRequests, jobs }, filter), [featureRequests, jobs, filter]);
  const reason = unreachableReason(state);
  const choose = (next: BoardMode): void => {
    setMode(next);
    onMode?.(next);
  };
  return (
    <>
      <header class="opus-board-head">
        <div class="opus-buttons" role="group" aria-label="Show as">
          <PlainButton
            label="Board"
            icon="square-kanban"
            bare={false}
            pressed={mode === 'board'}
            onPress={() => {
              choose('board');
            }}
          />
          <PlainButton
            label="Table"
            icon="table"
            bare={false}
            pressed={mode === 'table'}
            onPress={() => {
              choose('table');
            }}
          />
        </div>
        <input
          type="search"
          class="opus-filter"
          aria-label="Filter by FR or title"
          placeholder="Filter"
          value={filter.text}
          onInput={(event) => {
            setFilter({ ...filter, text: event.currentTarget.value });
          }}
        />
        <Choice
          label="Filter by priority"
          value={filter.priorities[0] ?? ''}
          values={priorities}
          name={(priority) => priority}
          none="Any priority"
          onChoose={(priority) => {
            setFilter({ ...filter, priorities: priority === null ? [] : [priority] });
          }}
        />
        <Choice
          label="Filter by status"
          value={filter.statuses[0] ?? ''}
          values={noteStatuses}
          name={sentenceCase}
          none="Any status"
          onChoose={(status) => {
            setFilter({ ...filter, statuses: status === null ? [] : [status] });
          }}
        />
        <Choice
          label="Show"
          value={filter.onlyProblems ? 'problems' : 'all'}
          values={shows}
          name={(show) => showNames[show]}
          onChoose={(show) => {
            setFilter({ ...filter, onlyProblems: show === 'problems' });
          }}
        />
        <span class="opus-quiet" role="status">
          {model.shown === model.total ? counted(model.total, 'FR') : `${model.shown} of ${counted(model.total, 'FR')}`}
        </span>
      </header>
      {reason !== null && <p class="opus-tone-warning opus-board-note">{`${reason} What is shown may be old.`}</p>}
      <p class="opus-hidden" aria-live="polite">
        {moves.said}
      </p>
      {model.total === 0 && (
        <p class="opus-quiet opus-board-note">
          {runner === null ? 'No FRs are known yet.' : 'There are no FRs. Write one as a note in the folder for them.'}
        </p>
      )}
      {mode === 'board' ? (
        <Columns columns={model.columns} moves={moves} />
      ) : (
        <BoardTable
          rows={model.rows}
          sort={filter.sort}
          moves={moves}
          onSort={(sort) => {
            setFilter({ ...filter, sort });
          }}
        />
      )}
      {mode === 'board' && !host.isMobile && (
        <p class="opus-quiet opus-board-note opus-keys">
          Arrow keys move between cards. Shift with left or right changes the status, with up or down the priority.{' '}
          {host.openNote === null ? '' : 'Enter opens the note, '}D dispatches.
        </p>
      )}
    </>
  );
}
