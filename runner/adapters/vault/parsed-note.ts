import { createHash } from 'node:crypto';
import { OpusError } from '#shared/domain/errors.ts';
import type { FeatureRequestNote } from '#shared/domain/feature-request.ts';
import { dependencyOf, indexLinks } from '#shared/domain/link-feature-requests.ts';
import { noteName } from '#shared/domain/note-link.ts';
import type { ParsedFeatureRequest } from '#shared/domain/parse-feature-request.ts';

/** Of ten thousand notes, each as long as people write them, the text alone would be most of a runner's memory. */
export function withoutText({ body: _body, ...note }: ParsedFeatureRequest & FeatureRequestNote): ParsedFeatureRequest {
  // A part of a text keeps the whole text in memory; what is parsed from JSON stands on its own.
  return JSON.parse(JSON.stringify(note)) as ParsedFeatureRequest;
}

/** A note read on its own, what it depends on found among the notes that were read before. */
export function amongOthers(
  note: ParsedFeatureRequest & FeatureRequestNote,
  others: readonly ParsedFeatureRequest[],
): FeatureRequestNote {
  const { links, idLine: _idLine, ...featureRequest } = note;
  if (links.length === 0) return featureRequest;
  const index = indexLinks([...others.filter((other) => other.path !== note.path), note]);
  const dependsOn = links.flatMap((link) => {
    const { id } = dependencyOf(note, link, index);
    return id ?? (link.mention === undefined ? noteName(link.target) : []);
  });
  return { ...featureRequest, dependsOn: [...new Set(dependsOn)] };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A folder of the vault as its paths begin. */
export function plainFolder(folder: string): string {
  const plain = folder.replaceAll('\\', '/').replace(/^(?:\.?\/)+|\/+$/g, '');
  if (plain !== '' && !plain.split('/').includes('..')) return plain;
  throw new OpusError('config.invalid', `\`${folder}\` is no folder of the vault.`, {
    hint: 'Write a path relative to the vault, such as `10_features`.',
  });
}
