import { useEffect, useState } from 'preact/hooks';
import { tellError } from './action-button.tsx';
import { useHost } from './host-context.ts';
import { Icon } from './icon.tsx';

const shownCopiedMs = 2_000;

/** A short word for something long, with all of it on the clipboard when it is pressed. */
export function Copyable({
  shown,
  all,
  what,
}: {
  readonly shown: string;
  readonly all: string;
  readonly what: string;
}) {
  const host = useHost();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = window.setTimeout(() => {
      setCopied(false);
    }, shownCopiedMs);
    return () => {
      window.clearTimeout(timer);
    };
  }, [copied]);
  return (
    <button
      type="button"
      class="opus-button opus-copyable"
      aria-label={`Copy ${what} ${shown}`}
      title={all}
      onClick={() => {
        host.copy(all).then(
          () => {
            setCopied(true);
          },
          (thrown: unknown) => {
            tellError(host, thrown);
          },
        );
      }}
    >
      <code>{shown}</code>
      <Icon name={copied ? 'check' : 'copy'} />
      <span class="opus-hidden" aria-live="polite">
        {copied ? 'Copied' : ''}
      </span>
    </button>
  );
}
