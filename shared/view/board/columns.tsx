import { useEffect, useRef, useState } from 'preact/hooks';
import { noteStatuses, priorities, type NoteStatus } from '../../domain/feature-request.ts';
import { sentenceCase } from '../../view-model/formats.ts';
import { permits, useHost, useRunnerState } from '../frame/host-context.ts';
import { PlainButton } from '../frame/plain-button.tsx';
import type { BoardCard, BoardColumn } from '../../view-model/board-model.ts';
import { canDispatch } from './can-dispatch.ts';
import { CardItem } from './card-item.tsx';
import { useDragging, type Dragging } from './use-dragging.ts';
import type { Moves } from './use-moves.ts';

export interface ColumnsOptions {
  readonly columns: readonly BoardColumn[];
  readonly moves: Moves;
}

/** Of a column, before more is asked for. */
const cardsAtFirst = 40;

/** One stop for Tab for all cards: arrow keys move between them, with Shift they move the card. */
export function Columns({ columns, moves }: ColumnsOptions) {
  const host = useHost();
  const state = useRunnerState();
  const board = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState<string | null>(null);
  const carried = useRef<string | null>(null);
  const shown = columns.flatMap((column) => column.cards);
  const active = shown.some((card) => keyOf(card) === current) ? current : (shown[0]?.featureRequest.path ?? null);
  const dragging = useDragging(shown, (card, status) => {
    moves.change(card, { status });
  });

  const focus = (key: string): void => {
    setCurrent(key);
    for (const element of board.current?.querySelectorAll<HTMLElement>('[data-card]') ?? []) {
      if (element.getAttribute('data-card') === key) element.focus();
    }
  };
  // A card that was moved by the keyboard is drawn anew in another column.
  useEffect(() => {
    if (carried.current === null) return;
    focus(carried.current);
    carried.current = null;
  });
  const carry = (card: BoardCard, change: Parameters<Moves['change']>[1]): void => {
    if (!permits(state, 'fr.set')) return;
    carried.current = keyOf(card);
    moves.change(card, change);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const target = event.target as Element;
    const card = shown.find((each) => keyOf(each) === target.getAttribute('data-card'));
    if (card === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = event.shiftKey ? carrying(card, event.key, carry) : walking(card, columns, event.key, focus);
    const other = action ?? acting(card, event.key);
    if (other === null) return;
    event.preventDefault();
    other();
  };
  const acting = (card: BoardCard, key: string): (() => void) | null => {
    if (key === 'Enter' && host.openNote !== null) return () => host.openNote?.(card.featureRequest.path);
    if (key === 'd' && canDispatch(card) && permits(state, 'fr.dispatch')) {
      return () => void host.dispatch(card.featureRequest);
    }
    return null;
  };

  return (
    <div class="opus-columns" ref={board} onKeyDown={onKeyDown}>
      {columns.map((column) => (
        <Column
          key={column.status ?? ''}
          column={column}
          active={active}
          moves={moves}
          dragging={dragging}
          onCurrent={setCurrent}
        />
      ))}
    </div>
  );
}

/** Notes may lack an id, or share one. */
function keyOf({ featureRequest }: BoardCard): string {
  return featureRequest.path;
}

function neighbour<Value>(values: readonly Value[], value: Value, by: 1 | -1): Value | null {
  return values[values.indexOf(value) + by] ?? null;
}

function carrying(
  card: BoardCard,
  key: string,
  carry: (card: BoardCard, change: Parameters<Moves['change']>[1]) => void,
): (() => void) | null {
  const sideways = ({ ArrowLeft: -1, ArrowRight: 1 } as const)[key];
  if (sideways !== undefined) {
    const status = neighbour(noteStatuses, card.featureRequest.status ?? 'idea', sideways);
    return () => {
      if (status !== null) carry(card, { status });
    };
  }
  const upward = ({ ArrowUp: -1, ArrowDown: 1 } as const)[key];
  if (upward === undefined) return null;
  const priority = neighbour(priorities, card.featureRequest.priority, upward);
  return () => {
    if (priority !== null) carry(card, { priority });
  };
}

function walking(
  card: BoardCard,
  columns: readonly BoardColumn[],
  key: string,
  focus: (key: string) => void,
): (() => void) | null {
  const column = columns.findIndex((each) => each.cards.includes(card));
  const own = columns[column]?.cards ?? [];
  const row = own.indexOf(card);
  const next = ((): BoardCard | undefined => {
    switch (key) {
      case 'ArrowDown':
        return own[row + 1];
      case 'ArrowUp':
        return own[row - 1];
      case 'Home':
        return own[0];
      case 'End':
        return own.at(-1);
      case 'ArrowRight':
        return nearest(columns.slice(column + 1), row);
      case 'ArrowLeft':
        return nearest(columns.slice(0, column).reverse(), row);
      default:
        return card;
    }
  })();
  if (next === card) return null;
  return () => {
    if (next !== undefined) focus(keyOf(next));
  };
}

function nearest(columns: readonly BoardColumn[], row: number): BoardCard | undefined {
  const cards = columns.find((column) => column.cards.length > 0)?.cards ?? [];
  return cards[Math.min(row, cards.length - 1)];
}

interface ColumnOptions {
  readonly column: BoardColumn;
  readonly active: string | null;
  readonly moves: Moves;
  readonly dragging: Dragging;
  readonly onCurrent: (key: string) => void;
}

export function nameOfStatus(status: NoteStatus | null): string {
  return status === null ? 'No known status' : sentenceCase(status);
}

function Column({ column, active, moves, dragging, onCurrent }: ColumnOptions) {
  const { status, cards } = column;
  const [all, setAll] = useState(false);
  const at = cards.findIndex((card) => keyOf(card) === active);
  const shown = all ? cards : cards.slice(0, Math.max(cardsAtFirst, at + 1));
  const name = nameOfStatus(status);
  return (
    <section
      class={`opus-column${dragging.over === status && status !== null ? ' opus-column-over' : ''}${cards.length === 0 ? ' opus-column-empty' : ''}`}
      aria-label={name}
      data-status={status}
      {...dragging.column(status)}
    >
      <h2 class="opus-section-title">
        {name} <span class="opus-count">{cards.length}</span>
      </h2>
      <ul class="opus-rows">
        {shown.map((card) => (
          <CardItem
            key={keyOf(card)}
            card={card}
            isCurrent={keyOf(card) === active}
            moves={moves}
            dragging={dragging}
            onCurrent={() => {
              onCurrent(keyOf(card));
            }}
          />
        ))}
      </ul>
      {shown.length < cards.length && (
        <PlainButton
          label={`Show ${cards.length - shown.length} more`}
          icon="chevron-down"
          bare={false}
          onPress={() => {
            setAll(true);
          }}
        />
      )}
    </section>
  );
}
