import { priorities, type Priority } from '#shared/domain/feature-request.ts';
import type { SchedulableJob, SchedulingSnapshot } from './snapshot.ts';

/** 0 is the most urgent. */
export function rankOf(priority: Priority): number {
  return priorities.indexOf(priority);
}

/** The moment from which a job goes before all that are not overdue. */
export function overdueAt(job: SchedulableJob, { limits }: SchedulingSnapshot): number {
  return job.queuedAt + limits.longestWait / 2;
}

export function byAge(left: SchedulableJob, right: SchedulableJob): number {
  return left.queuedAt - right.queuedAt || (left.id < right.id ? -1 : 1);
}

/** When each repository was last given an agent slot: the longer ago, the sooner it is its turn. */
export interface Turns {
  lastOf(repository: string): number;
  took(repository: string): void;
}

export function turnsAfter(lastStarts: ReadonlyMap<string, number>): Turns {
  const last = new Map(lastStarts);
  let latest = [...last.values()].reduce((highest, start) => Math.max(highest, start), 0);
  return {
    lastOf: (repository) => last.get(repository) ?? -Infinity,
    took: (repository) => last.set(repository, ++latest),
  };
}

/**
 * Offers an agent slot to one job after another; `takes` says whether it takes it, which ends the turn of its repository.
 * Overdue jobs come first by age; then class by class (priority, begun before new), in which the repositories take turns.
 */
export function offerInTurn(
  jobs: readonly SchedulableJob[],
  snapshot: SchedulingSnapshot,
  turns: Turns,
  takes: (job: SchedulableJob) => boolean,
): void {
  const classes = Map.groupBy(jobs, (job) => classOf(job, snapshot));
  for (const [number, members] of [...classes].sort(([left], [right]) => left - right)) {
    members.sort(byAge);
    const lines =
      number === overdueClass ? [members] : [...Map.groupBy(members, ({ repository }) => repository).values()];
    offerToLines(lines, turns, takes);
  }
}

const overdueClass = 0;

function classOf(job: SchedulableJob, snapshot: SchedulingSnapshot): number {
  if (overdueAt(job, snapshot) <= snapshot.now) return overdueClass;
  return 1 + 2 * rankOf(job.priority) + (job.begun ? 0 : 1);
}

function offerToLines(
  jobs: readonly (readonly SchedulableJob[])[],
  turns: Turns,
  takes: (job: SchedulableJob) => boolean,
): void {
  const lines = jobs
    .map((line) => ({ line, at: 0, head: line[0] as SchedulableJob }))
    .sort((left, right) => byTurn(left.head, right.head, turns));
  for (let line = lines.shift(); line; line = lines.shift()) {
    if (takes(line.head)) turns.took(line.head.repository);
    const head = line.line[++line.at];
    if (!head) continue;
    line.head = head;
    const at = lines.findIndex((other) => byTurn(head, other.head, turns) < 0);
    lines.splice(at < 0 ? lines.length : at, 0, line);
  }
}

function byTurn(left: SchedulableJob, right: SchedulableJob, turns: Turns): number {
  const [one, other] = [turns.lastOf(left.repository), turns.lastOf(right.repository)];
  // Not by subtraction: two that never had a turn are both at minus infinity.
  if (one !== other) return one < other ? -1 : 1;
  return byAge(left, right);
}
