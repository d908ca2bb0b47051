import { useMemo } from 'preact/hooks';
import { diffLines } from '../../domain/line-diff.ts';
import type { ChangedCodeNote } from '../../protocol/review-documents.ts';
import { ActionButton, BusyGroup } from '../frame/action-button.tsx';
import { counted } from '../../view-model/formats.ts';
import { permits, useHost, useRunnerState } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import { LoadState } from '../frame/load-state.tsx';
import { useLoaded } from '../frame/use-loaded.ts';
import { visibleText } from '../frame/visible-text.ts';

/** Notes that name commands, rules or limits, as they would be in force; an admin confirms exactly what is shown. */
export function Trust() {
  const host = useHost();
  const state = useRunnerState();
  const loaded = useLoaded(String(state.untrusted), () => host.client.call('trust.list', {}));
  const notes = loaded.value?.notes ?? [];
  const confirm = async (shown: readonly ChangedCodeNote[]): Promise<void> => {
    try {
      const { confirmed } = await host.client.call('trust.confirm', {
        shown: shown.map(({ path, hash }) => ({ path, hash })),
      });
      host.tell(`${counted(confirmed, 'note is', 'notes are')} in force as shown.`);
    } finally {
      await loaded.load();
    }
  };
  const may = permits(state, 'trust.confirm');
  return (
    <>
      <header class="opus-trust-head">
        <h2 class="opus-view-title">Changed agent and policy notes</h2>
        <p class="opus-quiet">
          Such notes can name commands. A changed one is not in force before an admin has confirmed it as it stands.
        </p>
      </header>
      <LoadState loaded={loaded} what="the changed notes" />
      {loaded.value !== null && notes.length === 0 && (
        <p class="opus-tone-good">
          <Icon name="shield-check" /> Everything that is in force was confirmed. Nothing waits.
        </p>
      )}
      {notes.length > 0 && !may && (
        <p class="opus-tone-warning">
          <Icon name="shield-alert" /> Only an admin may confirm them; this device may look at them.
        </p>
      )}
      <BusyGroup>
        {notes.map((note) => (
          <ChangedNote key={`${note.path} ${note.hash ?? ''}`} note={note} onConfirm={() => confirm([note])} />
        ))}
        {notes.length > 1 && (
          <div class="opus-buttons">
            <ActionButton
              label={`Confirm all ${notes.length}`}
              icon="shield-check"
              tone="main"
              needs="trust.confirm"
              act={() => confirm(notes)}
            />
          </div>
        )}
      </BusyGroup>
    </>
  );
}

const kindWords = { agent: 'Agent', policy: 'Policy', 'review-rule': 'Review rule', memory: 'Memory' };
const stateWords = { new: 'new', changed: 'changed', gone: 'gone' };
const rowKinds: Readonly<Record<string, string>> = { '+': 'added', '-': 'removed' };

interface ChangedNoteOptions {
  readonly note: ChangedCodeNote;
  readonly onConfirm: () => Promise<void>;
}

function ChangedNote({ note, onConfirm }: ChangedNoteOptions) {
  const { openNote } = useHost();
  const { path, kind, state, before, after, hash, problems } = note;
  const lines = useMemo(() => diffLines(before ?? '', after ?? ''), [before, after]);
  return (
    <section class="opus-file" aria-label={path}>
      <div class="opus-file-head">
        <h3 class="opus-file-title">
          {openNote === null || state === 'gone' ? (
            <span class="opus-path">{path}</span>
          ) : (
            <button
              type="button"
              class="opus-link opus-path"
              onClick={() => {
                openNote(path);
              }}
            >
              {path}
            </button>
          )}
          <span class="opus-badge">{`${kindWords[kind]}, ${stateWords[state]}`}</span>
        </h3>
        <ActionButton label="Confirm" icon="shield-check" needs="trust.confirm" about={path} act={onConfirm} />
      </div>
      {problems.map(({ line, message, hint }, at) => (
        <p key={at} class="opus-problem opus-tone-bad">
          <Icon name="triangle-alert" />
          {openNote === null ? (
            <span>{`Line ${line}: ${message} ${hint}`}</span>
          ) : (
            <button
              type="button"
              class="opus-link"
              onClick={() => {
                openNote(path, line);
              }}
            >{`Line ${line}: ${message} ${hint}`}</button>
          )}
        </p>
      ))}
      {state === 'gone' && (
        <p class="opus-quiet opus-file-note">The note is gone. Confirming takes what is in force out of it.</p>
      )}
      <div class="opus-trust-diff" role="region" tabIndex={0} aria-label={`Changes of ${path}`}>
        {lines.map((line, at) => {
          const change = rowKinds[line.charAt(0)];
          return (
            <div key={at} class={`opus-line opus-line-${change ?? 'context'}`}>
              {change !== undefined && <span class="opus-hidden">{`${change}: `}</span>}
              <span class="opus-sign" aria-hidden="true">
                {change === 'removed' ? '−' : line.charAt(0)}
              </span>
              <code>{visibleText(line.slice(1))}</code>
            </div>
          );
        })}
      </div>
      {hash !== null && (
        <p class="opus-quiet opus-file-note">
          Bound to <code title={hash}>{hash.slice(0, 8)}</code>
        </p>
      )}
    </section>
  );
}
