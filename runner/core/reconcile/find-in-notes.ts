import type { FeatureRequest, NoteStatus } from '#shared/domain/feature-request.ts';
import { isFinished } from '#shared/domain/job.ts';
import { noteName } from '#shared/domain/note-link.ts';
import { isConflictCopyName } from '#shared/domain/sync-damage.ts';
import { readFrontmatter } from '#shared/frontmatter/read.ts';
import type { Job, OutboxEntry } from '../ports/job-registry.ts';
import { conflictMarkers, keeps, settleRegions, type ConflictRegion, type Keep } from './conflict-regions.ts';
import { identical, isSame, type ReadFile } from './find-copies.ts';
import type { Finding } from './finding.ts';

/** Conflict markers in every note that is no copy itself. */
export function findMarkers(files: readonly ReadFile[]): Finding[] {
  return files.flatMap((file) => {
    const { path, bytes, text } = file;
    if (text === null || isConflictCopyName(noteName(path))) return [];
    const { regions, brokenLine } = conflictMarkers(text);
    const found = regions.map((region): Finding => {
      const choices = choicesFor(text, regions, region);
      return {
        code: 'markers.region',
        path,
        line: region.line,
        message: 'Two versions stand here, and nobody has settled which counts.',
        hint: `Choose with --keep ${choices.join(', ')}; or edit the note.`,
        settles: 'choice',
        choices,
        versions: { ours: region.ours, theirs: region.theirs },
        job: null,
        settlement: { kind: 'region', note: { path, bytes }, region },
      };
    });
    return brokenLine === null ? found : [...found, brokenMarkers(path, brokenLine)];
  });
}

/** What leaves properties that can be read; everything where nothing does. */
function choicesFor(text: string, regions: readonly ConflictRegion[], region: ConflictRegion): readonly Keep[] {
  const sound = keeps.filter((keep) => {
    // The later first, so that the offsets of the earlier stay right.
    const after = regions.filter(({ start }) => start > region.start);
    const before = regions.filter(({ start }) => start < region.start);
    const settled = settleRegions(settleRegions(settleRegions(text, after, 'ours'), [region], keep), before, 'ours');
    return readFrontmatter(settled).problems.length === 0;
  });
  return sound.length > 0 ? sound : keeps;
}

function brokenMarkers(path: string, line: number): Finding {
  return {
    code: 'markers.broken',
    path,
    line,
    message: 'A conflict marker stands here without the others that belong to it.',
    hint: 'Edit the note: keep what is right and delete the lines with `<<<<<<<`, `=======` and `>>>>>>>`.',
    settles: 'by-hand',
    choices: [],
    versions: null,
    job: null,
    settlement: null,
  };
}

/** Ids that several notes have. One that is the same file under a longer name, as OneDrive and others leave it, is a copy. */
export function findDuplicates(featureRequests: readonly FeatureRequest[], files: readonly ReadFile[]): Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const byId = new Map<string, FeatureRequest[]>();
  for (const note of featureRequests) {
    if (note.id === '' || note.problems.some(({ code }) => code === 'note.sync-conflict')) continue;
    const key = note.id.toLowerCase();
    byId.set(key, [...(byId.get(key) ?? []), note]);
  }
  const findings: Finding[] = [];
  for (const notes of byId.values()) {
    if (notes.length < 2) continue;
    const sorted = notes.toSorted((a, b) => a.path.length - b.path.length || a.path.localeCompare(b.path));
    const left: FeatureRequest[] = [];
    for (const note of sorted) {
      const file = byPath.get(note.path);
      const original = left.map(({ path }) => byPath.get(path)).find((other) => isCopyOf(file, other));
      if (file && original && isSame(file.bytes, original.bytes)) findings.push(identical(file, original));
      else left.push(note);
    }
    if (left.length > 1) findings.push(duplicate(left, featureRequests, byPath));
  }
  return findings;
}

/** `FR-1 2.md`, `FR-1 (1).md` and `FR-1-LAPTOP.md` beside `FR-1.md`. */
function isCopyOf(file: ReadFile | undefined, other: ReadFile | undefined): boolean {
  if (!file || !other) return false;
  const stem = other.path.replace(/\.md$/i, '');
  return file.path.startsWith(stem) && /^[ _-][^/]+$/.test(file.path.slice(stem.length));
}

function duplicate(
  notes: readonly FeatureRequest[],
  all: readonly FeatureRequest[],
  files: ReadonlyMap<string, ReadFile>,
): Finding {
  const [first, ...others] = notes;
  const path = first?.path ?? '';
  const copy = others.find((other) => isCopyOf(files.get(other.path), files.get(path)));
  const looks = copy ? ` ${copy.path} looks like a copy that a synchronisation made.` : '';
  const id = first?.id ?? '';
  return {
    code: 'id.duplicate',
    path,
    line: first?.problems.find(({ code }) => code === 'id.duplicate')?.line ?? 1,
    message: `${id} is the id of ${others.map((other) => other.path).join(' and ')} too.${looks}`,
    hint: `Give all but one of them another id (${nextFreeId(id, all)} is free), or delete what is a copy.`,
    settles: 'by-hand',
    choices: [],
    versions: null,
    job: null,
    settlement: null,
  };
}

function nextFreeId(id: string, featureRequests: readonly FeatureRequest[]): string {
  const [, prefix = id, digits = '0'] = /^(.*?)(\d+)$/.exec(id) ?? [];
  const numbers = featureRequests
    .filter((other) => other.id.startsWith(prefix))
    .map((other) => Number(/^\d+$/.exec(other.id.slice(prefix.length))?.[0] ?? 0));
  return `${prefix}${String(Math.max(...numbers, 0) + 1).padStart(digits.length, '0')}`;
}

/** Jobs that go on, whose note has another status than the registry wrote last. */
export function findClashes(
  jobs: readonly Job[],
  outbox: readonly OutboxEntry[],
  featureRequests: readonly FeatureRequest[],
  files: readonly ReadFile[],
): Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return jobs.flatMap((job) => {
    if (isFinished(job.status)) return [];
    const named = featureRequests.filter(
      ({ id, problems }) => id === job.featureRequestId && !problems.some(({ code }) => code === 'note.sync-conflict'),
    );
    const note = named.find(({ path }) => path === job.notePath) ?? (named.length === 1 ? named[0] : undefined);
    const file = note && byPath.get(note.path);
    // Of a note with two versions in it, nobody knows the status before it is settled.
    if (!note || !file || note.status === job.noteStatus || hasMarkers(note)) return [];
    // What was never told cannot have been overruled.
    const isUntold = outbox.some(
      ({ jobId, payload }) =>
        jobId === job.id && payload.kind === 'keys' && payload.write.status?.expect.some((one) => one === note.status),
    );
    return isUntold ? [] : [clash(job, note, file)];
  });
}

function hasMarkers({ problems }: FeatureRequest): boolean {
  return problems.some(({ code }) => code === 'note.conflict-marker' || code.startsWith('frontmatter.'));
}

function clash(job: Job, note: FeatureRequest, file: ReadFile): Finding {
  const { status: found } = note;
  const common = {
    code: 'status.clash',
    path: note.path,
    line: statusLine(file),
    versions: null,
    job: job.id,
  } as const;
  if (found === null) {
    return {
      ...common,
      message: `The note of ${job.id} has no status that is one; the runner wrote "${job.noteStatus}" last.`,
      hint: `Write \`status: ${job.noteStatus}\`, or the one you mean.`,
      settles: 'by-hand',
      choices: [],
      settlement: null,
    };
  }
  const asks = requestIn(found, job);
  return {
    ...common,
    message: `The note of ${job.id} says "${found}"; the runner wrote "${job.noteStatus}" last.${asks === null ? '' : ` That asks it to ${asks}.`}`,
    hint:
      `--keep theirs lets "${found}" stand${asks === null ? '' : ', and the runner does what it asks'}; ` +
      `--keep ours writes "${job.noteStatus}" again.`,
    settles: 'choice',
    choices: ['ours', 'theirs'],
    settlement: {
      kind: 'status',
      note: { path: file.path, bytes: file.bytes },
      job: job.id,
      found,
      runner: job.noteStatus,
      isRequest: asks !== null,
    },
  };
}

/** What a person asks of the runner by setting this status; null when it is only another word for where the job stands. */
function requestIn(found: NoteStatus, job: Job): string | null {
  if (found === 'parked' || found === 'rejected') return 'cancel the job';
  return found === 'planned' && job.noteStatus === 'needs-human' ? 'begin anew' : null;
}

function statusLine({ text }: ReadFile): number {
  return readFrontmatter(text ?? '').entries.get('status')?.line ?? 1;
}
