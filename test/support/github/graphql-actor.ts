import type { GitHubState } from './state.ts';
import { nodeId } from './views.ts';

export function actorObject(state: GitHubState, login: string | null) {
  if (login === null) return null;
  const person = state.person(login);
  return {
    __typename: person.type,
    id: nodeId('U', person.id),
    // GraphQL names an App without the mark that REST puts behind it.
    login: person.login.replace(/\[bot\]$/, ''),
    databaseId: person.id,
    url: `${state.origin}/${person.login}`,
  };
}
