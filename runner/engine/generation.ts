import type { RegistryReader } from '../core/ports/job-registry.ts';

/** How often something outside the pipeline has stepped in: the common order of all that did. */
export function generationOf(
  registry: Pick<RegistryReader, 'decisions' | 'retries' | 'happenings'>,
  jobId: string,
): number {
  return registry.decisions(jobId).length + registry.retries(jobId).length + registry.happenings(jobId).length;
}
