import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import {
  buildSchema,
  execute,
  GraphQLError,
  parse,
  validate,
  type DocumentNode,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';
import type { Fields } from './description.ts';
import { threadObject } from './graphql-comments.ts';
import { mutations, threadOf } from './graphql-mutations.ts';
import { actorObject } from './graphql-actor.ts';
import { repositoryObject } from './graphql-objects.ts';
import { projectQueries } from './graphql-projects.ts';
import { pointsOf } from './graphql-points.ts';
import { noticePushes } from './pushes.ts';
import type { Rate } from './quota.ts';
import type { Token } from './records.ts';
import { Refusal } from './refusal.ts';
import type { GitHubState } from './state.ts';

export interface GraphAnswer {
  readonly body: Fields;
  readonly points: number;
}

export interface GraphRequest {
  readonly query: string;
  readonly variables?: Fields;
  readonly operationName?: string;
}

let schema: GraphQLSchema | null = null;

/** GitHub's own schema; built at the first query of a process. */
function gitHubSchema(): GraphQLSchema {
  const file = findPackageJSON('@octokit/graphql-schema', import.meta.url) ?? '';
  schema ??= buildSchema(readFileSync(join(dirname(file), 'schema.graphql'), 'utf8'), {
    noLocation: true,
    assumeValid: true,
    assumeValidSDL: true,
  });
  return schema;
}

/** Queries that were looked at before: a poll asks the same again and again. */
const sound = new Map<string, DocumentNode>();

/** What is not kept must not look like what is absent. */
interface Viewer {
  readonly login: string;
}

function authorOf({ author }: Fields): unknown {
  const actor = (typeof author === 'function' ? (author as () => unknown)() : author) as Viewer | null;
  return actor?.login;
}

const strictly: GraphQLFieldResolver<unknown, unknown> = (source, args, context, info) => {
  if (info.fieldName === 'viewerDidAuthor') return authorOf(source as Fields) === (context as Viewer).login;
  const value = (source as Fields)[info.fieldName];
  if (value === undefined) throw new GraphQLError(`${info.parentType.name}.${info.fieldName} is not kept here.`);
  return typeof value === 'function' ? (value as (given: unknown) => unknown).call(source, args) : value;
};

export async function answerGraph(
  state: GitHubState,
  token: Token,
  request: GraphRequest,
  rate: (points: number) => Rate,
  onViolation: (text: string) => void,
): Promise<GraphAnswer> {
  const refused = (errors: readonly GraphQLError[]): GraphAnswer => {
    onViolation(`GraphQL: ${errors.map((error) => error.message).join('; ')}`);
    return { body: { errors: errors.map((error) => error.toJSON()) }, points: 1 };
  };
  let document = sound.get(request.query);
  if (document === undefined) {
    try {
      document = parse(request.query);
    } catch (error) {
      return refused([error as GraphQLError]);
    }
    const problems = validate(gitHubSchema(), document);
    if (problems.length > 0) return refused(problems);
    sound.set(request.query, document);
  }
  const variables = request.variables ?? {};
  const points = pointsOf(document, variables);
  const result = await execute({
    schema: gitHubSchema(),
    document,
    variableValues: variables,
    operationName: request.operationName ?? null,
    fieldResolver: strictly,
    contextValue: { login: actorObject(state, token.login)?.login },
    rootValue: {
      viewer: () => actorObject(state, token.login),
      rateLimit: () => {
        const { limit, used, remaining, reset } = rate(points);
        return {
          cost: points,
          limit,
          used,
          remaining,
          nodeCount: points,
          resetAt: new Date(reset * 1000).toISOString(),
        };
      },
      repository: ({ owner, name }: { owner: string; name: string }) => {
        const repository = state.repository(owner, name);
        const isSeen =
          repository !== null && (token.kind === 'installation' || state.may(token.login, repository, 'read'));
        if (!isSeen || token.repositories?.has(`${repository.owner}/${repository.name}`) === false) {
          throw typed(`Could not resolve to a Repository with the name '${owner}/${name}'.`, 'NOT_FOUND');
        }
        noticePushes(state, repository, repository.owner);
        return repositoryObject(state, repository);
      },
      ...projectQueries(state),
      node({ id }: { readonly id: string }) {
        if (!id.startsWith('PRRT_')) return projectQueries(state).node({ id });
        const { pull, thread } = threadOf(state, id);
        return threadObject(state, pull, thread);
      },
      ...mutations(state, token),
    },
  });
  const errors = result.errors?.map((error) => {
    const cause = error.cause;
    const isExpected = cause instanceof Refusal || error.extensions['type'] !== undefined;
    if (!isExpected) onViolation(`GraphQL: ${error.message}`);
    return { type: error.extensions['type'] ?? 'UNPROCESSABLE', path: error.path, message: error.message };
  });
  return { body: { data: result.data, ...(errors === undefined ? {} : { errors }) }, points };
}

function typed(message: string, type: string): GraphQLError {
  return new GraphQLError(message, { extensions: { type } });
}
