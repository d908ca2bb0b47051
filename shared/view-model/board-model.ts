import { findCycles } from '../domain/dependency-cycles.ts';
import { noteStatuses, type NoteStatus, type Priority } from '../domain/feature-request.ts';
import type { BoardFeatureRequest, BoardJob } from '../protocol/board.ts';
import type { RunnerState } from './runner-state.ts';

export interface BoardFilter {
  /** Words that all occur in the id, the title or the path. */
  readonly text: string;
  /** Empty shows all. */
  readonly priorities: readonly Priority[];
  readonly statuses: readonly NoteStatus[];
  readonly onlyProblems: boolean;
  readonly sort: BoardSort;
}

export const boardSorts = ['priority', 'id', 'title', 'changed'] as const;
export type BoardSort = (typeof boardSorts)[number];

export const noFilter: BoardFilter = { text: '', priorities: [], statuses: [], onlyProblems: false, sort: 'priority' };

export interface BoardCard {
  readonly featureRequest: BoardFeatureRequest;
  /** Its newest; null where there is none that is known. */
  readonly job: BoardJob | null;
  /** What it depends on and is not done. */
  readonly blockedBy: readonly { readonly id: string; readonly status: NoteStatus | null }[];
  /** What it depends on and no note is called. */
  readonly unresolved: readonly string[];
  /** `FR-001 → FR-002 → FR-001`; null where it is in no circle. */
  readonly cycle: readonly string[] | null;
  /** How many others wait for it. */
  readonly blocks: number;
  readonly problems: BoardFeatureRequest['problems'];
  readonly hasProblem: boolean;
}

export interface BoardColumn {
  /** Null holds the notes whose status cannot be read; it is there only when there are some. */
  readonly status: NoteStatus | null;
  readonly cards: readonly BoardCard[];
}

export interface BoardModel {
  readonly columns: readonly BoardColumn[];
  /** The same cards as rows of a table. */
  readonly rows: readonly BoardCard[];
  readonly shown: number;
  readonly total: number;
}

export function boardModel(
  state: Pick<RunnerState, 'featureRequests' | 'jobs'>,
  filter: BoardFilter = noFilter,
): BoardModel {
  const cards = cardsOf(state);
  const rows = cards.filter((card) => isShown(card, filter)).sort(orders[filter.sort]);
  const statuses =
    filter.statuses.length === 0 ? noteStatuses : noteStatuses.filter((each) => filter.statuses.includes(each));
  const columns = [...statuses, null].map((status) => ({
    status,
    cards: rows.filter((card) => card.featureRequest.status === status),
  }));
  return {
    columns: columns.filter(({ status, cards: own }) => status !== null || own.length > 0),
    rows,
    shown: rows.length,
    total: cards.length,
  };
}

function cardsOf({ featureRequests, jobs }: Pick<RunnerState, 'featureRequests' | 'jobs'>): BoardCard[] {
  const byId = new Map(featureRequests.filter(({ id }) => id !== '').map((note) => [note.id, note]));
  const cycles = findCycles(new Map([...byId].map(([id, { dependsOn }]) => [id, dependsOn])));
  const newest = newestJobs(jobs.values());
  const waiting = new Map<string, number>();
  for (const { id, status, dependsOn } of featureRequests) {
    if (isOver(status)) continue;
    for (const target of new Set(dependsOn)) if (target !== id) waiting.set(target, (waiting.get(target) ?? 0) + 1);
  }
  return featureRequests.map((note) => {
    const dependencies = [...new Set(note.dependsOn)].map((id) => ({ id, note: byId.get(id) }));
    const unresolved = dependencies.filter(({ note: other }) => other === undefined).map(({ id }) => id);
    const cycle = cycles.get(note.id) ?? null;
    return {
      featureRequest: note,
      job: newest.get(note.id) ?? null,
      blockedBy: dependencies.flatMap(({ id, note: other }) =>
        other === undefined || other.status === 'done' ? [] : [{ id, status: other.status }],
      ),
      unresolved,
      cycle,
      blocks: isOver(note.status) ? 0 : (waiting.get(note.id) ?? 0),
      problems: note.problems,
      hasProblem: note.problems.length > 0 || unresolved.length > 0 || cycle !== null || note.status === null,
    };
  });
}

/** Nothing that it depends on matters any more. */
function isOver(status: NoteStatus | null): boolean {
  return status === 'done' || status === 'rejected';
}

function newestJobs(jobs: Iterable<BoardJob>): ReadonlyMap<string, BoardJob> {
  const newest = new Map<string, BoardJob>();
  for (const job of jobs) {
    const known = newest.get(job.fr);
    if (known === undefined || job.createdAt > known.createdAt) newest.set(job.fr, job);
  }
  return newest;
}

function isShown({ featureRequest, hasProblem }: BoardCard, filter: BoardFilter): boolean {
  const { id, title, path, priority, status } = featureRequest;
  const text = folded(`${id} ${title} ${path}`);
  return (
    folded(filter.text)
      .split(/\s+/)
      .every((word) => text.includes(word)) &&
    (filter.priorities.length === 0 || filter.priorities.includes(priority)) &&
    (filter.statuses.length === 0 || (status !== null && filter.statuses.includes(status))) &&
    (!filter.onlyProblems || hasProblem)
  );
}

function folded(text: string): string {
  return text.normalize('NFC').toLowerCase().trim();
}

type Order = (one: BoardCard, other: BoardCard) => number;

const byId: Order = (one, other) =>
  compareNaturally(one.featureRequest.id, other.featureRequest.id) ||
  compareNaturally(one.featureRequest.path, other.featureRequest.path);

const orders: Readonly<Record<BoardSort, Order>> = {
  id: byId,
  priority: (one, other) =>
    compareNaturally(one.featureRequest.priority, other.featureRequest.priority) || byId(one, other),
  title: (one, other) => compareNaturally(one.featureRequest.title, other.featureRequest.title) || byId(one, other),
  changed: (one, other) => (other.job?.updatedAt ?? 0) - (one.job?.updatedAt ?? 0) || byId(one, other),
};

/** `FR-9` before `FR-10`, whatever the language of the device. */
function compareNaturally(one: string, other: string): number {
  const left = partsOf(one);
  const right = partsOf(other);
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const [a = '', b = ''] = [left[at], right[at]];
    const difference = /^\d/.test(a) && /^\d/.test(b) ? Number(a) - Number(b) : a === b ? 0 : a < b ? -1 : 1;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function partsOf(text: string): string[] {
  return text.toLowerCase().match(/\d+|\D+/g) ?? [];
}
