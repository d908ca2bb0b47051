import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { ViewHost } from '../../shared/view/host.ts';
import { createStore, useStore, type Store } from './store.ts';

type Confirmation = Parameters<ViewHost['confirm']>[0];
type Question = Parameters<ViewHost['ask']>[0];

interface OpenDialog {
  readonly question: Confirmation | Question;
  /** Null when it was given up. */
  readonly done: (answer: string | null) => void;
}

export interface Dialogs extends Pick<ViewHost, 'confirm' | 'ask'> {
  /** The first is shown. */
  readonly open: Store<readonly OpenDialog[]>;
}

export function createDialogs(): Dialogs {
  const open = createStore<readonly OpenDialog[]>([]);
  const show = (question: OpenDialog['question']): Promise<string | null> =>
    new Promise((resolve) => {
      const dialog: OpenDialog = {
        question,
        done(answer) {
          open.set(open.get().filter((other) => other !== dialog));
          resolve(answer);
        },
      };
      open.set([...open.get(), dialog]);
    });
  return {
    open,
    confirm: async (question) => (await show(question)) !== null,
    ask: (question) => show(question),
  };
}

export function DialogPlace({ dialogs }: { readonly dialogs: Dialogs }) {
  const [first] = useStore(dialogs.open);
  return first ? <Dialog key={first} {...first} /> : null;
}

function Dialog({ question, done }: OpenDialog) {
  const id = useId();
  const element = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const label = 'label' in question ? question.label : null;
  const isRequired = 'required' in question && question.required;
  const [complaint, setComplaint] = useState('');
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const submit = (): void => {
    if (isRequired && text.trim() === '') setComplaint(`${label ?? question.title}: this must not be empty.`);
    else done(text.trim());
  };
  return (
    <dialog
      ref={element}
      class="opus-view opus-dialog"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-text`}
      onCancel={(event) => {
        event.preventDefault();
        done(null);
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <h2 id={`${id}-title`}>{question.title}</h2>
        <div id={`${id}-text`}>
          {question.text
            .split('\n')
            .filter(Boolean)
            .map((paragraph, at) => (
              <p key={at}>{paragraph}</p>
            ))}
        </div>
        {label !== null && (
          <label class="opus-field">
            <span>{label}</span>
            <textarea
              rows={4}
              value={text}
              aria-required={isRequired}
              aria-invalid={complaint !== ''}
              aria-describedby={`${id}-problem`}
              onInput={({ currentTarget }) => {
                setText(currentTarget.value);
              }}
              onKeyDown={(event) => {
                if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit();
              }}
            />
          </label>
        )}
        <p id={`${id}-problem`} class="opus-form-problem" role="alert">
          {complaint}
        </p>
        <div class="opus-dialog-actions">
          <button
            type="button"
            class="opus-button opus-button-plain"
            // A destructive one is not what Enter does at first.
            autoFocus={question.destructive && label === null}
            onClick={() => {
              done(null);
            }}
          >
            Cancel
          </button>
          <button type="submit" class={`opus-button opus-button-${question.destructive ? 'danger' : 'main'}`}>
            {question.action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
