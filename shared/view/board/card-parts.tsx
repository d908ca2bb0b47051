import { ActionButton } from '../frame/action-button.tsx';
import { useHost, useRunnerState } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import type { BoardCard } from '../../view-model/board-model.ts';
import { sentenceCase } from '../../view-model/formats.ts';
import { statusWord } from '../../view-model/job-words.ts';
import { canDispatch } from './can-dispatch.ts';

interface PartOptions {
  readonly card: BoardCard;
  /** Within a card that is not the current one, nothing is a stop for Tab. */
  readonly tabIndex?: number;
}

export function Dependencies({ card, tabIndex = 0 }: PartOptions) {
  const { openNote } = useHost();
  const { featureRequests } = useRunnerState();
  const { blockedBy, unresolved, blocks, cycle } = card;
  return (
    <>
      {blockedBy.length > 0 && (
        <p class="opus-depends opus-quiet">
          <Icon name="hourglass" /> <span>Waits for</span>
          {blockedBy.map(({ id, status }) => {
            const path = featureRequests.find((each) => each.id === id)?.path;
            const text = `${id} (${status === null ? 'no status' : sentenceCase(status).toLowerCase()})`;
            return openNote === null || path === undefined ? (
              <span key={id}>{text}</span>
            ) : (
              <button
                key={id}
                type="button"
                class="opus-link"
                tabIndex={tabIndex}
                aria-label={`Open note: ${text}`}
                onClick={() => {
                  openNote(path);
                }}
              >
                {text}
              </button>
            );
          })}
        </p>
      )}
      {unresolved.length > 0 && (
        <p class="opus-problem opus-tone-bad">
          <Icon name="unlink" />
          <span>No note is called {unresolved.join(', ')}</span>
        </p>
      )}
      {blocks > 0 && (
        <p class="opus-depends opus-quiet">
          <Icon name="link" /> <span>{blocks === 1 ? '1 other waits for it' : `${blocks} others wait for it`}</span>
        </p>
      )}
      {cycle !== null && (
        <p class="opus-problem opus-tone-bad">
          <Icon name="refresh-cw-off" />
          <span>Depends on itself: {cycle.join(' → ')}</span>
        </p>
      )}
    </>
  );
}

export function Problems({ card, tabIndex = 0 }: PartOptions) {
  const { openNote } = useHost();
  const { path, problems } = card.featureRequest;
  if (problems.length === 0) return null;
  return (
    <ul class="opus-card-problems" aria-label="Problems of the note">
      {problems.map(({ code, line, message }, at) => (
        <li key={`${code} ${at}`} class="opus-problem opus-tone-bad">
          <Icon name="triangle-alert" />
          {openNote === null ? (
            <span>{`Line ${line}: ${message}`}</span>
          ) : (
            <button
              type="button"
              class="opus-link"
              tabIndex={tabIndex}
              onClick={() => {
                openNote(path, line);
              }}
            >
              {`Line ${line}: ${message}`}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

export function JobBadge({ card, tabIndex = 0 }: PartOptions) {
  const host = useHost();
  const { job } = card;
  if (job === null) return null;
  return (
    <button
      type="button"
      class="opus-link opus-badge"
      tabIndex={tabIndex}
      aria-label={`${job.job}, ${statusWord(job)}: open output`}
      title={job.sentence === '' ? undefined : job.sentence}
      onClick={() => {
        host.openView('output', job.job);
      }}
    >
      {statusWord(job)}
    </button>
  );
}

export function Dispatch({ card, bare = false, tabIndex }: PartOptions & { readonly bare?: boolean }) {
  const host = useHost();
  if (!canDispatch(card)) return null;
  return (
    <ActionButton
      label="Dispatch"
      icon="play"
      bare={bare}
      needs="fr.dispatch"
      about={card.featureRequest.id}
      {...(tabIndex === undefined ? {} : { tabIndex })}
      act={() => host.dispatch(card.featureRequest)}
    />
  );
}
