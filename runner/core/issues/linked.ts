import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import type { ForgeIssue } from '../ports/forge-desk.ts';

export type LinkedNote = FeatureRequest & { readonly issue: number };

/** The notes that name an issue of this repository; of two with the same id the one without errors. */
export function linkedNotes(
  notes: readonly FeatureRequest[],
  repository: string,
  defaultRepository: string,
): LinkedNote[] {
  return notes.filter(
    (note): note is LinkedNote => note.issue !== null && (note.repo ?? defaultRepository) === repository,
  );
}

/** Issues that no note names and none was made of, oldest first. */
export function newIssues(
  issues: readonly ForgeIssue[],
  linked: readonly LinkedNote[],
  isImported: (number: number) => boolean,
): ForgeIssue[] {
  const known = new Set(linked.map(({ issue }) => issue));
  return issues
    .filter(({ number }) => !known.has(number) && !isImported(number))
    .sort((left, right) => left.number - right.number);
}
