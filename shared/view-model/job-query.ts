import { jobStatuses, isFinished, type JobStatus } from '../domain/job-status.ts';
import type { BoardJob } from '../protocol/board.ts';

/** What an `opus` code block asks for. */
export type JobQuery =
  /** A job's id, or an FR's for its newest job. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'pull-request'; readonly url: string }
  | { readonly kind: 'list'; readonly filter: JobFilter };

export interface JobFilter {
  /** Null where the query does not say. */
  readonly status: readonly JobStatus[] | null;
  readonly repository: readonly string[] | null;
  readonly featureRequest: readonly string[] | null;
  /** Whether finished ones are shown; null leaves it to the statuses. */
  readonly finished: boolean | null;
  readonly limit: number;
}

/** `line` counts from 1 in the block. */
export interface QueryProblem {
  readonly line: number;
  readonly message: string;
}

export type ParsedQuery =
  | { readonly query: JobQuery; readonly problems: readonly [] }
  | { readonly query: null; readonly problems: readonly QueryProblem[] };

const defaultLimit = 20;
const mostLimit = 200;
const keyNames = ['status', 'repo', 'fr', 'limit', 'finished'];
const howTo = `Write a job's id, a request's id, the address of a pull request, or lines such as "status: running, waiting".`;

export function parseJobQuery(text: string): ParsedQuery {
  const lines = text
    .split(/\r?\n/)
    .map((content, index) => ({ line: index + 1, text: content.trim() }))
    .filter((each) => each.text !== '' && !each.text.startsWith('#'));
  const [first] = lines;
  if (first === undefined) return found({ kind: 'list', filter: noFilter });
  if (!isKeyLine(first.text)) {
    const [, second] = lines;
    const query = singleQuery(first.text);
    if (query === null) return wrong(first.line, `"${short(first.text)}" is not understood. ${howTo}`);
    if (second)
      return wrong(second.line, 'Only one job can be named in a block. Write the others in blocks of their own.');
    return found(query);
  }
  return parseFilter(lines);
}

const noFilter: JobFilter = {
  status: null,
  repository: null,
  featureRequest: null,
  finished: null,
  limit: defaultLimit,
};

function parseFilter(lines: readonly { readonly line: number; readonly text: string }[]): ParsedQuery {
  let filter = noFilter;
  const problems: QueryProblem[] = [];
  const seen = new Set<string>();
  for (const { line, text } of lines) {
    const [, key = '', value = ''] = /^([^:]*):(.*)$/.exec(text) ?? [];
    const name = key.trim().toLowerCase();
    const message = seen.has(name) ? `"${name}" is there twice. Keep one of them.` : null;
    seen.add(name);
    const read = message ?? readKey(name, value.trim(), text);
    if (typeof read === 'string') problems.push({ line, message: read });
    else filter = { ...filter, ...read };
  }
  return problems.length > 0 ? { query: null, problems } : found({ kind: 'list', filter });
}

/** What the line adds to the filter, or what is wrong with it. */
function readKey(name: string, value: string, text: string): Partial<JobFilter> | string {
  const values = value
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  if (keyNames.includes(name) && values.length === 0)
    return `"${name}" says nothing. Write a value, or remove the line.`;
  switch (name) {
    case 'status': {
      const unknown = values.find((each) => !isStatus(each.toLowerCase()));
      if (unknown !== undefined) {
        return `"${short(unknown)}" is no status of a job. Write one of ${jobStatuses.join(', ')}.`;
      }
      return { status: values.map((each) => each.toLowerCase()).filter(isStatus) };
    }
    case 'repo':
      return { repository: values };
    case 'fr':
      return { featureRequest: values.map((each) => linkTarget(each)) };
    case 'limit': {
      const limit = Number(value);
      if (Number.isInteger(limit) && limit >= 1 && limit <= mostLimit) return { limit };
      return `"${short(value)}" is no limit. Write a whole number from 1 to ${mostLimit}.`;
    }
    case 'finished':
      if (value === 'true' || value === 'false') return { finished: value === 'true' };
      return `"${short(value)}" is neither true nor false.`;
    default:
      return `"${short(text)}" is not understood. A line begins with ${keyNames.map((key) => `"${key}:"`).join(', ')}.`;
  }
}

/** The jobs that are meant, the newest first. */
export function jobsOfQuery(query: JobQuery, jobs: Iterable<BoardJob>): readonly BoardJob[] {
  const newest = [...jobs].sort((one, other) => other.createdAt - one.createdAt || (one.job < other.job ? 1 : -1));
  switch (query.kind) {
    case 'name': {
      const job = newest.find((each) => each.job === query.name) ?? newest.find(({ fr }) => fr === query.name);
      return job === undefined ? [] : [job];
    }
    case 'pull-request':
      return newest.filter(({ pr }) => pr !== null && pullRequestAddress(pr.url) === query.url).slice(0, 1);
    case 'list':
      return newest.filter((job) => matches(query.filter, job)).slice(0, query.filter.limit);
  }
}

function matches({ status, repository, featureRequest, finished }: JobFilter, job: BoardJob): boolean {
  const showsFinished = finished ?? (status !== null || featureRequest !== null);
  return (
    (showsFinished || !isFinished(job.status)) &&
    (status?.includes(job.status) ?? true) &&
    (repository?.includes(job.repository) ?? true) &&
    (featureRequest?.includes(job.fr) ?? true)
  );
}

function singleQuery(text: string): JobQuery | null {
  if (/^https?:\/\/\S+$/i.test(text)) return { kind: 'pull-request', url: pullRequestAddress(text) };
  const name = linkTarget(text);
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,109}$/.test(name) ? { kind: 'name', name } : null;
}

/** Pages of one pull request count as it: what is behind its number, a query, a fragment or a last slash is left out. */
export function pullRequestAddress(url: string): string {
  const [plain = ''] = url.trim().split(/[?#]/);
  const upToNumber = /^(https?:\/\/[^/]+\/.+?\/pull\/\d+)(?:\/.*)?$/i.exec(plain)?.[1] ?? plain;
  return upToNumber.replace(/\/+$/, '').replace(/^(https?:\/\/[^/]+)/i, (host) => host.toLowerCase());
}

/** `[[10_features/FR-012|name]]` as `FR-012`. */
function linkTarget(text: string): string {
  const inner = /^\[\[([^|\]#]+)(?:[#|][^\]]*)?\]\]$/.exec(text)?.[1];
  return inner === undefined ? text : (inner.split('/').at(-1) ?? inner).replace(/\.md$/i, '').trim();
}

function isKeyLine(text: string): boolean {
  return /^[^:/]+:(?!\/\/)/.test(text);
}

function isStatus(text: string): text is JobStatus {
  return jobStatuses.some((status) => status === text);
}

function found(query: JobQuery): ParsedQuery {
  return { query, problems: [] };
}

function wrong(line: number, message: string): ParsedQuery {
  return { query: null, problems: [{ line, message }] };
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
