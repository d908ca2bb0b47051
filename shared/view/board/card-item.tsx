import { priorities } from '../../domain/feature-request.ts';
import type { BoardCard } from '../../view-model/board-model.ts';
import { permits, unreachableReason, useHost, useRunnerState } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import { StageBar } from '../job/stage-bar.tsx';
import { Dependencies, Dispatch, JobBadge, Problems } from './card-parts.tsx';
import { Choice } from './choice.tsx';
import type { Dragging } from './use-dragging.ts';
import type { Moves } from './use-moves.ts';

export interface CardItemOptions {
  readonly card: BoardCard;
  readonly isCurrent: boolean;
  readonly moves: Moves;
  readonly dragging: Dragging;
  readonly onCurrent: () => void;
}

/** A card of a column: the whole of it is one stop for Tab, and then what is in it. */
export function CardItem({ card, isCurrent, moves, dragging, onCurrent }: CardItemOptions) {
  const { openNote, isMobile } = useHost();
  const state = useRunnerState();
  const { id, path, title, priority } = card.featureRequest;
  const tabIndex = isCurrent ? 0 : -1;
  const mayMove = permits(state, 'fr.set');
  const reason = unreachableReason(state);
  const name = id === '' ? path : id;
  return (
    <li
      class={`opus-board-card${moves.isMoving(card) ? ' opus-moving' : ''}${dragging.key === path ? ' opus-dragged' : ''}`}
      tabIndex={tabIndex}
      data-card={path}
      aria-label={`${name} ${title}`}
      draggable={mayMove && !isMobile}
      onFocus={onCurrent}
      {...(mayMove ? dragging.card(card) : {})}
    >
      <div class="opus-board-card-head">
        <span class="opus-fr">{name}</span>
        <JobBadge card={card} tabIndex={tabIndex} />
        {mayMove && isMobile && (
          <span class="opus-grip" aria-hidden="true" {...dragging.grip(card)}>
            <Icon name="grip-vertical" />
          </span>
        )}
      </div>
      {openNote === null ? (
        <p class="opus-title">{title}</p>
      ) : (
        <button
          type="button"
          class="opus-link opus-title"
          tabIndex={tabIndex}
          onClick={() => {
            openNote(path);
          }}
        >
          {title === '' ? path : title}
        </button>
      )}
      {card.job?.status === 'running' && <StageBar job={card.job} />}
      <Dependencies card={card} tabIndex={tabIndex} />
      <Problems card={card} tabIndex={tabIndex} />
      <div class="opus-board-card-foot">
        {mayMove ? (
          <Choice
            label={`Priority of ${name}`}
            value={priority}
            values={priorities}
            name={(each) => each}
            blocked={openNote === null ? reason : null}
            tabIndex={tabIndex}
            onChoose={(chosen) => {
              if (chosen !== null) moves.change(card, { priority: chosen });
            }}
          />
        ) : (
          <span class="opus-priority">{priority}</span>
        )}
        <Dispatch card={card} tabIndex={tabIndex} />
      </div>
    </li>
  );
}
