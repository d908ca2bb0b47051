import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { outputText, searchHits, type OutputModel } from '../../view-model/output-model.ts';
import { findJob } from '../job/find-job.ts';
import { tellError } from '../frame/action-button.tsx';
import { counted } from '../../view-model/formats.ts';
import { unreachableReason, useHost, useRunnerState } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import { PlainButton } from '../frame/plain-button.tsx';
import { StageLine } from '../job/stage-bar.tsx';
import { OutputLines } from './output-lines.tsx';
import { SearchBar } from './search-bar.tsx';
import { useOutput } from './use-output.ts';

/** Near enough to the end to mean: stay there. */
const nearEnd = 24;

/** What an agent and the runner do for a job, as they do it. */
export function Output({ job: name }: { readonly job: string }) {
  const host = useHost();
  const state = useRunnerState();
  const job = findJob(state.jobs.values(), { job: name });
  const output = useOutput(name);
  const [held, setHeld] = useState<OutputModel | null>(null);
  const [follows, setFollows] = useState(true);
  const [wraps, setWraps] = useState(true);
  const [query, setQuery] = useState('');
  const [hit, setHit] = useState(0);
  const log = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);

  const model = held ?? output.model;
  const { lines } = model;
  const hits = useMemo(() => searchHits({ lines }, query), [lines, query]);
  const at = Math.min(hit, hits.length - 1);
  const current = lines[hits[at] ?? -1]?.number ?? null;
  const reason = unreachableReason(state);
  const waiting = output.model.nextNumber - model.nextNumber;

  useLayoutEffect(() => {
    if (follows && held === null && log.current !== null) log.current.scrollTop = log.current.scrollHeight;
  }, [lines, follows, held]);
  useEffect(() => {
    if (current === null) return;
    log.current?.querySelector(`[data-key="${current}"]`)?.scrollIntoView({ block: 'center' });
  }, [current]);

  const step = (by: number): void => {
    if (hits.length === 0) return;
    setFollows(false);
    setHit((at + by + hits.length) % hits.length);
  };
  const copy = (text: string, said: string): void => {
    host.copy(text).then(
      () => {
        host.tell(said);
      },
      (thrown: unknown) => {
        tellError(host, thrown);
      },
    );
  };
  const copySelection = (): void => {
    const selection = log.current?.ownerDocument.getSelection() ?? null;
    const inside = selection !== null && log.current?.contains(selection.anchorNode) === true;
    const text = inside ? selection.toString() : '';
    if (text === '') host.tell('Nothing is selected: select text in the output first.');
    else copy(text, 'The selection is copied.');
  };

  return (
    <div
      class="opus-output-view"
      onKeyDown={(event) => {
        if ((event.ctrlKey || event.metaKey) && event.key === 'f') {
          event.preventDefault();
          field.current?.focus();
        }
      }}
    >
      <header class="opus-output-head">
        <h2 class="opus-view-title">
          <span class="opus-fr">{job?.fr ?? name}</span> {job?.title ?? ''}
        </h2>
        {job !== null && <StageLine job={job} />}
        <div class="opus-output-tools">
          <PlainButton
            label={held === null ? 'Pause' : 'Go on'}
            icon={held === null ? 'pause' : 'play'}
            pressed={held !== null}
            onPress={() => {
              setHeld(held === null ? output.model : null);
              setFollows(true);
            }}
          />
          <PlainButton
            label="Follow the end"
            icon="arrow-down-to-line"
            pressed={follows && held === null}
            onPress={() => {
              setHeld(null);
              setFollows(!follows);
            }}
          />
          <PlainButton
            label="Wrap lines"
            icon="wrap-text"
            pressed={wraps}
            onPress={() => {
              setWraps(!wraps);
            }}
          />
          <PlainButton
            label="Copy all"
            icon="copy"
            onPress={() => {
              copy(outputText(model), 'All output that is shown is copied.');
            }}
          />
          <PlainButton label="Copy selection" icon="text-select" onPress={copySelection} />
          <SearchBar
            field={field}
            query={query}
            count={hits.length}
            at={at + 1}
            onQuery={(text) => {
              setQuery(text);
              setHit(0);
            }}
            onStep={step}
          />
        </div>
      </header>
      <div
        ref={log}
        class={`opus-log${wraps ? ' opus-log-wraps' : ''}`}
        role="log"
        aria-live="off"
        aria-label={`Output of ${name}`}
        tabIndex={0}
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          const isAtEnd = scrollHeight - scrollTop - clientHeight < nearEnd;
          if (isAtEnd !== follows) setFollows(isAtEnd);
        }}
      >
        {model.missing > 0 && (
          <p class="opus-quiet">{`${counted(model.missing, 'line')} left out here; the log of the job has them.`}</p>
        )}
        <OutputLines lines={lines} query={query} current={current} />
        {lines.length === 0 && <p class="opus-quiet">Nothing has happened yet.</p>}
      </div>
      <p class="opus-output-foot opus-quiet" role="status">
        <Foot
          failed={output.failed}
          reason={reason}
          waiting={waiting}
          held={held !== null}
          rests={model.rests}
          sentence={job?.sentence ?? ''}
        />
      </p>
    </div>
  );
}

interface FootOptions {
  readonly failed: string | null;
  readonly reason: string | null;
  readonly held: boolean;
  readonly waiting: number;
  readonly rests: boolean;
  readonly sentence: string;
}

function Foot({ failed, reason, held, waiting, rests, sentence }: FootOptions) {
  if (failed !== null) return <Said icon="octagon-alert" text={failed} />;
  if (reason !== null) return <Said icon="unplug" text={`${reason} What happens meanwhile follows when it is back.`} />;
  if (held) return <Said icon="pause" text={`Paused here; ${counted(waiting, 'newer line')}.`} />;
  if (rests) return <Said icon="circle-pause" text={`The job rests. ${sentence}`} />;
  return <Said icon="radio" text="Live" />;
}

function Said({ icon, text }: { readonly icon: string; readonly text: string }) {
  return (
    <>
      <Icon name={icon} /> {text}
    </>
  );
}
