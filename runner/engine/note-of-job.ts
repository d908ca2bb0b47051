import type { FeatureRequestNote } from '#shared/domain/feature-request.ts';
import type { Job } from '../core/ports/job-registry.ts';
import type { EngineDependencies } from './stage-context.ts';

/** The note a job works for, also where a person moved or renamed it meanwhile; null when no one note has its id any more. */
export async function noteOfJob(
  { registry, vault }: Pick<EngineDependencies, 'registry' | 'vault'>,
  job: Job,
): Promise<FeatureRequestNote | null> {
  const path = registry.job(job.id)?.notePath ?? job.notePath;
  const note = await vault.read(path);
  if (note?.id === job.featureRequestId) return note;
  const [moved, ...others] = (await vault.scan()).filter((candidate) => candidate.id === job.featureRequestId);
  if (!moved || others.length > 0) return null;
  registry.commit(null, null, { updateJob: { id: job.id, fields: { notePath: moved.path } } });
  return await vault.read(moved.path);
}
