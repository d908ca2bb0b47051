import { GraphQLError } from 'graphql';
import { itemOfNode, missingNode, type Input } from './graphql-mutations.ts';
import { actorObject } from './graphql-actor.ts';
import { issueObject, pullObject } from './graphql-objects.ts';
import { connection, type Page } from './graphql-page.ts';
import type { Token } from './records.ts';
import type { GitHubState, Project, ProjectField, ProjectItem } from './state.ts';

function fieldObject(field: ProjectField) {
  const common = { id: field.id, name: field.name };
  if (field.options === null) return { __typename: 'ProjectV2Field', ...common, dataType: 'TEXT' };
  const { options } = field;
  const single = { __typename: 'ProjectV2SingleSelectField', ...common, dataType: 'SINGLE_SELECT' };
  return { ...single, options: () => options.map(({ id, name }) => ({ id, name })) };
}

function valueObject(field: ProjectField, value: string) {
  if (field.options === null) {
    return { __typename: 'ProjectV2ItemFieldTextValue', text: value, field: fieldObject(field) };
  }
  const name = field.options.find((option) => option.id === value)?.name ?? null;
  return { __typename: 'ProjectV2ItemFieldSingleSelectValue', optionId: value, name, field: fieldObject(field) };
}

function itemObject(state: GitHubState, project: Project, item: ProjectItem) {
  const valueOf = (field: ProjectField | undefined) => {
    const value = field === undefined ? undefined : item.values.get(field.id);
    return field === undefined || value === undefined ? null : valueObject(field, value);
  };
  return {
    __typename: 'ProjectV2Item',
    id: item.id,
    isArchived: false,
    type: item.content.kind === 'pull' ? 'PULL_REQUEST' : 'ISSUE',
    content: () => (item.content.kind === 'pull' ? pullObject(state, item.content) : issueObject(state, item.content)),
    fieldValueByName: ({ name }: { name: string }) => valueOf(project.fields.find((field) => field.name === name)),
    fieldValues: (page: Page) =>
      connection(
        project.fields.map(valueOf).filter((value) => value !== null),
        page,
      ),
  };
}

function projectObject(state: GitHubState, project: Project) {
  return {
    __typename: 'ProjectV2',
    id: project.id,
    number: project.number,
    title: project.title,
    url: `${state.origin}/users/${project.owner}/projects/${project.number}`,
    closed: false,
    field({ name }: { name: string }) {
      const found = project.fields.find((field) => field.name === name);
      return found === undefined ? null : fieldObject(found);
    },
    fields: (page: Page) => connection(project.fields.map(fieldObject), page),
    items: (page: Page) =>
      connection(
        project.items.map((item) => itemObject(state, project, item)),
        page,
      ),
  };
}

export function projectQueries(state: GitHubState) {
  const ownerOf =
    (type: 'User' | 'Organization') =>
    ({ login }: { login: string }) => {
      const person = state.people.get(login.toLowerCase());
      if (person?.type !== type) {
        throw new GraphQLError(`Could not resolve to a ${type} with the login of '${login}'.`, {
          extensions: { type: 'NOT_FOUND' },
        });
      }
      return {
        ...actorObject(state, person.login),
        projectV2({ number }: { number: number }) {
          const projects = [...state.projects.values()];
          const found = projects.find((project) => project.owner === person.login && project.number === number);
          return found === undefined ? null : projectObject(state, found);
        },
      };
    };
  return {
    user: ownerOf('User'),
    organization: ownerOf('Organization'),
    node({ id }: { id: string }) {
      const project = state.projects.get(id);
      if (project !== undefined) return projectObject(state, project);
      const item = itemOfNode(state, id);
      return item.kind === 'pull' ? pullObject(state, item) : issueObject(state, item);
    },
  };
}

export interface FieldInput {
  readonly projectId: string;
  readonly itemId: string;
  readonly fieldId: string;
  readonly value: { readonly text?: string; readonly singleSelectOptionId?: string };
}

export function projectMutations(state: GitHubState, token: Token) {
  function projectOf(id: string): Project {
    const isGranted =
      token.kind === 'classic'
        ? token.scopes.has('project')
        : token.permissions.get('organization_projects') === 'write';
    if (!isGranted) {
      const message = "Your token has not been granted the required scopes to execute this query: ['project'].";
      throw new GraphQLError(message, { extensions: { type: 'INSUFFICIENT_SCOPES' } });
    }
    const project = state.projects.get(id);
    if (project === undefined) throw missingNode(id);
    return project;
  }

  return {
    addProjectV2ItemById({ input }: Input<{ projectId: string; contentId: string }>) {
      const project = projectOf(input.projectId);
      const content = itemOfNode(state, input.contentId);
      const known = project.items.find((item) => item.content === content);
      const item = known ?? { id: `PVTI_${state.nextId()}`, content, values: new Map<string, string>() };
      if (known === undefined) project.items.push(item);
      return { clientMutationId: input.clientMutationId ?? null, item: () => itemObject(state, project, item) };
    },
    updateProjectV2ItemFieldValue({ input }: Input<FieldInput>) {
      const project = projectOf(input.projectId);
      const item = project.items.find((candidate) => candidate.id === input.itemId);
      const field = project.fields.find((candidate) => candidate.id === input.fieldId);
      if (item === undefined) throw missingNode(input.itemId);
      if (field === undefined) throw missingNode(input.fieldId);
      const value = field.options === null ? input.value.text : input.value.singleSelectOptionId;
      if (value === undefined || (field.options?.every((option) => option.id !== value) ?? false)) {
        throw new GraphQLError('Did not receive a value of the field’s type', {
          extensions: { type: 'UNPROCESSABLE' },
        });
      }
      item.values.set(field.id, value);
      return {
        clientMutationId: input.clientMutationId ?? null,
        projectV2Item: () => itemObject(state, project, item),
      };
    },
  };
}
