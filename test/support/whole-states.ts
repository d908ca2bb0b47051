import { planned } from './brought-notes.ts';

/** The notes of the n-th state of a vault, each of which tells it. */
export function notesOfState(number: number): { readonly path: string; readonly text: string }[] {
  return Array.from({ length: 30 }, (_, index) => ({
    path: `10_features/FR-${index}.md`,
    text: planned(`FR-${index}`).replace('Body', `State ${number}, body`),
  }));
}
