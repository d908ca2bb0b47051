import { Kind, type DocumentNode, type SelectionSetNode, type ValueNode } from 'graphql';
import type { Fields } from './description.ts';

/** What GitHub charges: the requests that filling each connection would take, by the hundred. */
export function pointsOf(document: DocumentNode, variables: Fields): number {
  const fragments = new Map<string, SelectionSetNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition.selectionSet);
  }

  function numberOf(value: ValueNode): number {
    if (value.kind === Kind.VARIABLE) return Number(variables[value.name.value] ?? 0);
    return value.kind === Kind.INT ? Number(value.value) : 0;
  }

  function requests(selections: SelectionSetNode | undefined, parents: number): number {
    if (selections === undefined) return 0;
    return selections.selections.reduce((sum, selection) => {
      if (selection.kind === Kind.INLINE_FRAGMENT) return sum + requests(selection.selectionSet, parents);
      if (selection.kind === Kind.FRAGMENT_SPREAD) return sum + requests(fragments.get(selection.name.value), parents);
      const size = selection.arguments?.find(({ name }) => name.value === 'first' || name.value === 'last');
      if (size === undefined) return sum + requests(selection.selectionSet, parents);
      return sum + parents + requests(selection.selectionSet, parents * numberOf(size.value));
    }, 0);
  }

  const total = document.definitions.reduce(
    (sum, definition) =>
      definition.kind === Kind.OPERATION_DEFINITION ? sum + requests(definition.selectionSet, 1) : sum,
    0,
  );
  return Math.max(1, Math.round(total / 100));
}
