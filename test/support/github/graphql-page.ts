import { GraphQLError } from 'graphql';

export interface Page {
  readonly first?: number | null;
  readonly last?: number | null;
  readonly after?: string | null;
  readonly before?: string | null;
}

/** A page of a list, as GitHub's connections have it; a query that names no size is refused, as there. */
export function connection<T>(items: readonly T[], { first, last, after, before }: Page) {
  const size = first ?? last ?? null;
  if (size === null) throw new GraphQLError('You must provide a `first` or `last` value to properly paginate.');
  if (size < 1 || size > 100) throw new GraphQLError(`Requesting ${size} records exceeds the limit of 100 records.`);
  const start = after == null ? 0 : place(after) + 1;
  const end = before == null ? items.length : place(before);
  const range = items.slice(start, end);
  const nodes = first == null ? range.slice(-size) : range.slice(0, size);
  const offset = first == null ? Math.max(start, end - size) : start;
  return {
    totalCount: items.length,
    nodes,
    edges: nodes.map((node, index) => ({ node, cursor: cursor(offset + index) })),
    pageInfo: {
      hasNextPage: offset + nodes.length < items.length,
      hasPreviousPage: offset > 0,
      startCursor: nodes.length === 0 ? null : cursor(offset),
      endCursor: nodes.length === 0 ? null : cursor(offset + nodes.length - 1),
    },
  };
}

function cursor(index: number): string {
  return Buffer.from(`cursor:${index}`).toString('base64');
}

function place(text: string): number {
  return Number(Buffer.from(text, 'base64').toString().slice('cursor:'.length));
}
