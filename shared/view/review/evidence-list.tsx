import type { Evidence } from '../../domain/evidence.ts';
import { elapsed } from '../../view-model/formats.ts';
import { Icon } from '../frame/icon.tsx';
import { printedText, visibleText } from '../frame/visible-text.ts';

/** What the runner ran itself. */
export function EvidenceList({ evidence }: { readonly evidence: readonly Evidence[] }) {
  if (evidence.length === 0) return <p class="opus-quiet">The runner ran no command for it.</p>;
  return (
    <ul class="opus-evidence">
      {evidence.map((each, at) => {
        const passed = each.exitCode === 0;
        const outcome = each.exitCode === null ? 'ended by a signal or a limit' : `exit code ${each.exitCode}`;
        return (
          <li key={at}>
            <details open={!passed}>
              <summary class={`opus-evidence-head opus-tone-${passed ? 'good' : 'bad'}`}>
                <Icon name={passed ? 'circle-check' : 'circle-x'} />
                <code>{visibleText(each.argv.join(' '))}</code>
                <span class="opus-quiet">
                  {`${outcome}, ${elapsed(each.durationMs)}, at ${each.commit.slice(0, 8)}`}
                </span>
              </summary>
              <pre class="opus-tail" tabIndex={0} aria-label="The last of its output">
                {each.tail === '' ? 'It printed nothing.' : printedText(each.tail)}
              </pre>
            </details>
          </li>
        );
      })}
    </ul>
  );
}
