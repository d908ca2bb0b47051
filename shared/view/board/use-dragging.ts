import { useState } from 'preact/hooks';
import { noteStatuses, type NoteStatus } from '../../domain/feature-request.ts';
import type { BoardCard } from '../../view-model/board-model.ts';

interface Handlers {
  readonly onDragStart: (event: DragEvent) => void;
  readonly onDragEnd: () => void;
}

interface GripHandlers {
  readonly onPointerDown: (event: PointerEvent) => void;
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerUp: (event: PointerEvent) => void;
  readonly onPointerCancel: () => void;
}

interface ColumnHandlers {
  readonly onDragOver: (event: DragEvent) => void;
  readonly onDrop: (event: DragEvent) => void;
}

export interface Dragging {
  /** Of the card that is being dragged. */
  readonly key: string | null;
  /** Over which column. */
  readonly over: NoteStatus | null;
  card(card: BoardCard): Handlers;
  /** For fingers, by which nothing can be dragged otherwise. */
  grip(card: BoardCard): GripHandlers;
  column(status: NoteStatus | null): ColumnHandlers | Record<string, never>;
}

export function useDragging(
  cards: readonly BoardCard[],
  drop: (card: BoardCard, status: NoteStatus) => void,
): Dragging {
  const [key, setKey] = useState<string | null>(null);
  const [over, setOver] = useState<NoteStatus | null>(null);
  const end = (): void => {
    setKey(null);
    setOver(null);
  };
  const under = (event: PointerEvent): NoteStatus | null => {
    const target = event.currentTarget as Element | null;
    const column = target?.ownerDocument.elementFromPoint(event.clientX, event.clientY)?.closest('[data-status]');
    const word = column?.getAttribute('data-status');
    return noteStatuses.find((status) => status === word) ?? null;
  };
  return {
    key,
    over,
    card: (card) => ({
      onDragStart(event) {
        event.dataTransfer?.setData('text/plain', card.featureRequest.id);
        if (event.dataTransfer) event.dataTransfer.effectAllowed = 'move';
        setKey(card.featureRequest.path);
      },
      onDragEnd: end,
    }),
    grip: (card) => ({
      onPointerDown(event) {
        (event.currentTarget as Element).setPointerCapture(event.pointerId);
        setKey(card.featureRequest.path);
      },
      onPointerMove(event) {
        if (key === card.featureRequest.path) setOver(under(event));
      },
      onPointerUp(event) {
        const status = key === card.featureRequest.path ? under(event) : null;
        if (status !== null) drop(card, status);
        end();
      },
      onPointerCancel: end,
    }),
    column: (status) =>
      status === null
        ? {}
        : {
            onDragOver(event) {
              if (key === null) return;
              event.preventDefault();
              if (over !== status) setOver(status);
            },
            onDrop(event) {
              event.preventDefault();
              const card = cards.find((each) => each.featureRequest.path === key);
              if (card !== undefined) drop(card, status);
              end();
            },
          },
  };
}
