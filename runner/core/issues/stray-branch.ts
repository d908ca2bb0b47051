/** What a branch of ours says of its job, where nobody knows that job; null for any other branch. */
export function strayBranch(
  branch: string,
  isKnown: (jobId: string) => boolean,
): { readonly branch: string; readonly job: string; readonly featureRequest: string } | null {
  const [, job, featureRequest] = /^opus\/(([A-Z][A-Z0-9]*-\d+)-\d+)(?:-[a-z0-9-]*)?$/.exec(branch) ?? [];
  if (job === undefined || featureRequest === undefined || isKnown(job)) return null;
  return { branch, job, featureRequest };
}
