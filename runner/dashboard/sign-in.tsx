import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { toOpusError } from '../../shared/domain/errors.ts';
import { proposedDeviceName } from './device-name.ts';
import { pairBrowser } from './pair.ts';
import type { Session } from './session.ts';

export interface SignInOptions {
  readonly address: string;
  /** Of a pairing link; empty without one. */
  readonly code: string;
  /** Why there is no session any more; empty at first. */
  readonly reason: string;
  readonly done: (session: Session) => void;
  /** Where the browser is signed in already, and a link asks to sign in anew. */
  readonly cancel: (() => void) | null;
}

export function SignIn({ address, code, reason, done, cancel }: SignInOptions) {
  const id = useId();
  const [typed, setTyped] = useState(code);
  const [name, setName] = useState(() => proposedDeviceName(navigator.userAgent));
  const [problem, setProblem] = useState(reason);
  const [works, setWorks] = useState(false);
  const codeField = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    setTyped(code);
    (code === '' ? codeField : button).current?.focus();
  }, [code]);
  useEffect(() => {
    setProblem(reason);
  }, [reason]);

  const submit = async (): Promise<void> => {
    if (works) return;
    if (typed.trim() === '' || name.trim() === '') {
      setProblem(typed.trim() === '' ? 'Type the code that opus pair printed.' : 'Give this browser a name.');
      return;
    }
    setWorks(true);
    setProblem('');
    try {
      const { token, id: device } = await pairBrowser(address, typed, name);
      done({ token, id: device });
    } catch (thrown) {
      const { message, hint } = toOpusError(thrown);
      setProblem(hint === null ? message : `${message} ${hint}`);
      setWorks(false);
    }
  };

  return (
    <main class="opus-view opus-sign-in">
      <h1>Sign in to Opus Orchestrator</h1>
      <p>
        Run <code>opus pair</code> where the runner is. It prints a code that signs in one device within ten minutes.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label class="opus-field">
          <span>One-time code</span>
          <input
            ref={codeField}
            name="code"
            value={typed}
            maxLength={100}
            autoComplete="one-time-code"
            autoCapitalize="characters"
            spellcheck={false}
            aria-describedby={`${id}-problem`}
            onInput={({ currentTarget }) => {
              setTyped(currentTarget.value);
            }}
          />
        </label>
        <label class="opus-field">
          <span>Name of this browser, as lists of devices show it</span>
          <input
            name="device"
            value={name}
            maxLength={120}
            autoComplete="off"
            onInput={({ currentTarget }) => {
              setName(currentTarget.value);
            }}
          />
        </label>
        <p id={`${id}-problem`} class="opus-form-problem" role="alert">
          {problem}
        </p>
        <div class="opus-dialog-actions">
          {cancel && (
            <button type="button" class="opus-button opus-button-plain" onClick={cancel}>
              Stay as I am
            </button>
          )}
          <button ref={button} type="submit" class="opus-button opus-button-main" aria-busy={works}>
            {works ? 'Signing in…' : 'Sign in'}
          </button>
        </div>
      </form>
      <p class="opus-quiet">
        The browser keeps a token of its own until you sign out. Sign in only where nobody else uses the browser.
      </p>
    </main>
  );
}
