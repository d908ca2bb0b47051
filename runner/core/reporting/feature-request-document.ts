import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import type { BoardFeatureRequest } from '#shared/protocol/board.ts';

/** The one JSON shape of a request. */
export function featureRequestDocument(note: FeatureRequest): BoardFeatureRequest {
  const { id, title, status, priority, path, dependsOn, problems } = note;
  return {
    id,
    title,
    status,
    priority,
    path,
    dependsOn: [...dependsOn],
    problems: problems.map(({ code, message, line }) => ({ code, message, line })),
  };
}
