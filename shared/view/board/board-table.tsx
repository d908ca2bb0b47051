import { useState } from 'preact/hooks';
import { noteStatuses, priorities } from '../../domain/feature-request.ts';
import { sentenceCase } from '../../view-model/formats.ts';
import { permits, unreachableReason, useHost, useRunnerState } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import { PlainButton } from '../frame/plain-button.tsx';
import type { BoardCard, BoardSort } from '../../view-model/board-model.ts';
import { Dependencies, Dispatch, JobBadge, Problems } from './card-parts.tsx';
import { Choice } from './choice.tsx';
import { nameOfStatus } from './columns.tsx';
import type { Moves } from './use-moves.ts';

export interface BoardTableOptions {
  readonly rows: readonly BoardCard[];
  readonly sort: BoardSort;
  readonly moves: Moves;
  readonly onSort: (sort: BoardSort) => void;
}

const rowsAtFirst = 100;

const headings: readonly { readonly sort: BoardSort | null; readonly name: string }[] = [
  { sort: 'id', name: 'FR' },
  { sort: 'title', name: 'Title' },
  { sort: null, name: 'Status' },
  { sort: 'priority', name: 'Priority' },
  { sort: 'changed', name: 'Job' },
  { sort: null, name: 'Dependencies and problems' },
  { sort: null, name: 'Dispatch' },
];

export function BoardTable({ rows, sort, moves, onSort }: BoardTableOptions) {
  const [descending, setDescending] = useState(false);
  const [all, setAll] = useState(false);
  const sorted = descending ? rows.toReversed() : rows;
  const shown = all ? sorted : sorted.slice(0, rowsAtFirst);
  return (
    <div class="opus-scroll" tabIndex={0} role="region" aria-label="FRs as a table">
      <table class="opus-table">
        <thead>
          <tr>
            {headings.map(({ sort: own, name }) => (
              <Heading
                key={name}
                name={name}
                order={own === null ? null : own !== sort ? 'none' : descending ? 'descending' : 'ascending'}
                onPress={() => {
                  if (own === null) return;
                  setDescending(own === sort && !descending);
                  onSort(own);
                }}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((card) => (
            <Row key={card.featureRequest.path} card={card} moves={moves} />
          ))}
        </tbody>
      </table>
      {shown.length < sorted.length && (
        <PlainButton
          label={`Show ${sorted.length - shown.length} more`}
          icon="chevron-down"
          bare={false}
          onPress={() => {
            setAll(true);
          }}
        />
      )}
    </div>
  );
}

interface HeadingOptions {
  readonly name: string;
  /** Null for what cannot be sorted by. */
  readonly order: 'none' | 'ascending' | 'descending' | null;
  readonly onPress: () => void;
}

function Heading({ name, order, onPress }: HeadingOptions) {
  if (order === null) return <th scope="col">{name}</th>;
  return (
    <th scope="col" aria-sort={order}>
      <button type="button" class="opus-link opus-sort" onClick={onPress}>
        {name}
        {order !== 'none' && <Icon name={order === 'descending' ? 'chevron-down' : 'chevron-up'} />}
      </button>
    </th>
  );
}

function Row({ card, moves }: { readonly card: BoardCard; readonly moves: Moves }) {
  const { openNote } = useHost();
  const state = useRunnerState();
  const { id, path, title, status, priority } = card.featureRequest;
  const mayMove = permits(state, 'fr.set');
  const blocked = moves.isMoving(card) ? 'It is being changed.' : openNote === null ? unreachableReason(state) : null;
  const name = id === '' ? path : id;
  return (
    <tr class={moves.isMoving(card) ? 'opus-moving' : ''}>
      <th scope="row">{name}</th>
      <td>
        {openNote === null ? (
          title
        ) : (
          <button
            type="button"
            class="opus-link"
            onClick={() => {
              openNote(path);
            }}
          >
            {title === '' ? path : title}
          </button>
        )}
      </td>
      <td>
        {mayMove ? (
          <Choice
            label={`Status of ${name}`}
            value={status ?? ''}
            values={noteStatuses}
            name={sentenceCase}
            blocked={blocked}
            onChoose={(chosen) => {
              if (chosen !== null) moves.change(card, { status: chosen });
            }}
          />
        ) : (
          nameOfStatus(status)
        )}
      </td>
      <td>
        {mayMove ? (
          <Choice
            label={`Priority of ${name}`}
            value={priority}
            values={priorities}
            name={(each) => each}
            blocked={blocked}
            onChoose={(chosen) => {
              if (chosen !== null) moves.change(card, { priority: chosen });
            }}
          />
        ) : (
          priority
        )}
      </td>
      <td>
        <JobBadge card={card} />
      </td>
      <td>
        <Dependencies card={card} />
        <Problems card={card} />
      </td>
      <td>
        <Dispatch card={card} bare />
      </td>
    </tr>
  );
}
