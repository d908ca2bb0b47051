import { OpusError } from '#shared/domain/errors.ts';
import * as z from 'zod/mini';
import type { BoardPlace } from '../../core/ports/forge-desk.ts';
import type { GithubConnection } from './github-connection.ts';

const board = z.nullish(
  z.object({
    projectV2: z.nullish(
      z.object({
        id: z.string(),
        field: z.nullish(
          z.object({
            id: z.optional(z.string()),
            options: z.optional(z.array(z.object({ id: z.string(), name: z.string() }))),
          }),
        ),
      }),
    ),
  }),
);
const node = z.nullish(z.object({ id: z.string() }));
const found = z.object({
  user: board,
  organization: board,
  repository: z.nullish(z.object({ issue: node, pullRequest: node })),
});
const added = z.object({ addProjectV2ItemById: z.object({ item: z.object({ id: z.string() }) }) });

const boardFields = `projectV2(number: $board) {
  id field(name: $field) { ... on ProjectV2SingleSelectField { id options { id name } } }
}`;

const findQuery = `query board(
  $login: String!, $board: Int!, $field: String!, $owner: String!, $name: String!, $number: Int!
) {
  user(login: $login) { ${boardFields} }
  organization(login: $login) { ${boardFields} }
  repository(owner: $owner, name: $name) { issue(number: $number) { id } pullRequest(number: $number) { id } }
}`;

const addMutation = `mutation add($board: ID!, $content: ID!) {
  addProjectV2ItemById(input: { projectId: $board, contentId: $content }) { item { id } }
}`;

const setMutation = `mutation choose($board: ID!, $item: ID!, $field: ID!, $option: String!) {
  updateProjectV2ItemFieldValue(
    input: { projectId: $board, itemId: $item, fieldId: $field, value: { singleSelectOptionId: $option } }
  ) { projectV2Item { id } }
}`;

/** GitHub adds an item to a board once, however often that is asked for. */
export async function placeOnBoard(connection: GithubConnection, number: number, place: BoardPlace): Promise<void> {
  const { owner, name } = connection;
  const { owner: login, board: boardNumber, field } = place;
  const asked = { login, board: boardNumber, field, owner, name, number };
  const { user, organization, repository } = found.parse(await connection.query('find a board', findQuery, asked));
  const project = user?.projectV2 ?? organization?.projectV2;
  const content = repository?.issue?.id ?? repository?.pullRequest?.id;
  if (!project) throw missing(`${login} has no board ${boardNumber}, or the credentials may not see it`);
  const option = project.field?.options?.find((one) => one.name.toLowerCase() === place.value.toLowerCase());
  if (project.field?.id === undefined) throw missing(`The board ${boardNumber} of ${login} has no choice "${field}"`);
  if (option === undefined) throw missing(`"${field}" of board ${boardNumber} has no "${place.value}"`);
  if (content === undefined) throw missing(`There is no #${number} in ${connection.repo}`);
  const answer = await connection.mutate('add to a board', addMutation, { board: project.id, content });
  const item = added.parse(answer).addProjectV2ItemById.item.id;
  const chosen = { board: project.id, item, field: project.field.id, option: option.id };
  await connection.mutate('choose on a board', setMutation, chosen);
}

function missing(what: string): OpusError {
  return new OpusError('forge.not-found', `${what}.`, {
    hint: 'Correct `project` in 00_system/opus/config.md; a token needs the scope `project`, an app the permission for projects.',
  });
}
