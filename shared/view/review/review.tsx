import { createRef, type RefObject } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import type { BoardJob } from '../../protocol/board.ts';
import type { LineComment } from '../../protocol/method-params.ts';
import type { DiffDocument } from '../../protocol/review-documents.ts';
import { counted, sentenceCase } from '../../view-model/formats.ts';
import { permits, useHost, useRunnerState } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import { LoadState } from '../frame/load-state.tsx';
import { PlainButton } from '../frame/plain-button.tsx';
import { Section } from '../frame/section.tsx';
import { useLoaded } from '../frame/use-loaded.ts';
import { findJob } from '../job/find-job.ts';
import { JobFacts } from '../job/job-facts.tsx';
import { gateOf } from '../../view-model/shown-gate.ts';
import { diffModel } from '../../view-model/diff-model.ts';
import { samePlace, type CommentDesk } from './comment-desk.ts';
import { DiffFile } from './diff-file.tsx';
import { draftsOf } from './drafts.ts';
import { EvidenceList } from './evidence-list.tsx';
import { FileList } from './file-list.tsx';
import { RemarkList } from './remark-list.tsx';
import { ReviewDecision } from './review-decision.tsx';

/** What a job changed, with all that was found in it, to read before a decision. */
export function Review({ job: name }: { readonly job: string }) {
  const host = useHost();
  const { jobs } = useRunnerState();
  const job = findJob(jobs.values(), { job: name });
  const loaded = useLoaded(name, () => host.client.call('job.diff', { job: name }));
  return (
    <>
      <ReviewHead name={name} job={job} />
      <LoadState loaded={loaded} what="the changes" />
      {loaded.value !== null && (
        <Changes document={loaded.value} job={job} loading={loaded.loading} reload={() => void loaded.load()} />
      )}
    </>
  );
}

function ReviewHead({ name, job }: { readonly name: string; readonly job: BoardJob | null }) {
  return (
    <header class="opus-review-head">
      <h2 class="opus-view-title">
        <span class="opus-fr">{job?.fr ?? name}</span> {job?.title ?? ''}
      </h2>
      {job !== null && <JobFacts job={job} />}
    </header>
  );
}

interface ChangesOptions {
  readonly document: DiffDocument;
  readonly job: BoardJob | null;
  readonly loading: boolean;
  readonly reload: () => void;
}

function Changes({ document, job, loading, reload }: ChangesOptions) {
  const host = useHost();
  const state = useRunnerState();
  const drafts = draftsOf(host.client);
  const [comments, setComments] = useState<readonly LineComment[]>(() => drafts.get(document.job) ?? []);
  const [stale, setStale] = useState<string | null>(null);
  const [folds, setFolds] = useState<ReadonlyMap<string, boolean>>(new Map());
  const model = useMemo(() => diffModel(document, comments, chosenIn(folds)), [document, comments, folds]);
  const headings = useRef(new Map<string, RefObject<HTMLButtonElement | null>>());
  const gate = gateOfDiff(document);

  const keep = (next: readonly LineComment[]): void => {
    drafts.set(document.job, next);
    setComments(next);
  };
  const desk: CommentDesk = {
    comments,
    write: permits(state, 'job.comment')
      ? (comment) => {
          keep([...comments.filter((each) => !samePlace(each, comment)), comment]);
        }
      : null,
    remove(place) {
      keep(comments.filter((each) => !samePlace(each, place)));
    },
  };
  const heading = (path: string): RefObject<HTMLButtonElement | null> => {
    const known = headings.current.get(path) ?? createRef<HTMLButtonElement>();
    headings.current.set(path, known);
    return known;
  };
  const fold = (path: string, isFolded: boolean): void => {
    setFolds(new Map(folds).set(path, isFolded));
  };
  const show = (path: string): void => {
    fold(path, false);
    const button = heading(path).current;
    button?.focus();
    button?.scrollIntoView({ block: 'start' });
  };
  const step = (by: number): void => {
    const paths = document.files.map(({ path }) => path);
    const here = paths.findIndex((path) => heading(path).current?.closest('.opus-file')?.matches(':focus-within'));
    const next = paths[here < 0 ? 0 : Math.min(Math.max(here + by, 0), paths.length - 1)];
    if (next !== undefined) show(next);
  };

  const changed = hasMovedOn(document, job);
  const notice = stale ?? (changed ? 'The job went on since this was loaded.' : null);
  return (
    <div
      class="opus-review-body"
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if ((event.target as Element).matches('input, textarea, select')) return;
        if (event.key === 'n') step(1);
        if (event.key === 'p') step(-1);
      }}
    >
      {notice !== null && (
        <div class="opus-note-box opus-tone-warning" role="alert">
          <p>
            <Icon name="triangle-alert" /> {notice} Load it again to see what is asked now. Your comments are kept.
          </p>
          <PlainButton
            label={loading ? 'Loading' : 'Reload'}
            icon="refresh-cw"
            bare={false}
            onPress={() => {
              setStale(null);
              reload();
            }}
          />
        </div>
      )}
      {document.review !== null && (
        <Section
          title={document.review.round > 0 ? `Review, round ${document.review.round}` : 'Review'}
          count={document.issues.length}
        >
          <p class="opus-said">
            <strong>{`${sentenceCase(document.review.verdict)}, ${document.review.confidence}% sure.`}</strong>{' '}
            {document.review.summary}
          </p>
        </Section>
      )}
      {model.elsewhere.length > 0 && (
        <Section title="Remarks on other files" count={model.elsewhere.length}>
          <RemarkList remarks={model.elsewhere} desk={desk} placed />
        </Section>
      )}
      {document.tamper.length > 0 && (
        <p class="opus-tone-bad">
          <Icon name="shield-alert" />
          <span>
            {`${counted(document.tamper.length, 'place')} where tests or checks were weakened or touched; see them at the files.`}
          </span>
        </p>
      )}
      <Section title="Evidence" count={document.evidence.length}>
        <EvidenceList evidence={document.evidence} />
      </Section>
      <Section title="Changed files" count={document.files.length}>
        <p class="opus-quiet">{model.summary}</p>
        <FileList files={model.files} onShow={show} />
        <div class="opus-buttons">
          <PlainButton
            label="Previous file"
            icon="chevron-up"
            shortcut="p"
            onPress={() => {
              step(-1);
            }}
          />
          <PlainButton
            label="Next file"
            icon="chevron-down"
            shortcut="n"
            onPress={() => {
              step(1);
            }}
          />
          <span class="opus-quiet opus-keys">
            N and P move between files, arrow keys between lines, C comments on a line.
          </span>
        </div>
        {model.files.map((file) => (
          <DiffFile
            key={file.path}
            file={file}
            heading={heading(file.path)}
            desk={desk}
            onToggle={() => {
              fold(file.path, !file.isFolded);
            }}
          />
        ))}
      </Section>
      <ReviewDecision
        job={job}
        name={document.job}
        gate={gate}
        desk={desk}
        onSent={() => {
          keep([]);
        }}
        onStale={setStale}
      />
    </div>
  );
}

function chosenIn(folds: ReadonlyMap<string, boolean>): {
  readonly folded: ReadonlySet<string>;
  readonly unfolded: ReadonlySet<string>;
} {
  const those = (wanted: boolean): ReadonlySet<string> =>
    new Set([...folds].filter(([, isFolded]) => isFolded === wanted).map(([path]) => path));
  return { folded: those(true), unfolded: those(false) };
}

/** What the document says it is about, with all of the hash. */
function gateOfDiff({ gate }: DiffDocument): ReturnType<typeof gateOf> {
  const [kind = '', hash = ''] = gate?.split('@') ?? [];
  return gate === null ? null : gateOf({ gate: `${kind}@${hash.slice(0, 8)}`, gateHash: hash });
}

/** Something else is asked, or made, by now. */
function hasMovedOn(document: DiffDocument, job: BoardJob | null): boolean {
  if (job === null || job.job !== document.job) return false;
  const shown = gateOfDiff(document);
  if (shown === null) return job.commit !== null && document.head !== null && !sameHash(job.commit, document.head);
  const asked = gateOf(job);
  return asked !== null && !sameHash(asked.hash, shown.hash);
}

/** One may be the beginning of the other. */
function sameHash(left: string, right: string): boolean {
  return left.startsWith(right) || right.startsWith(left);
}
