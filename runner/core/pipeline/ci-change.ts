/** What of a change a forge would run as soon as it is pushed. Kept with the result of the code stage. */
export interface CiChange {
  readonly files: readonly string[];
  /** Of those files as the change leaves them. */
  readonly hash: string;
}

const ciPaths = [
  /^\.github\/(?:workflows|actions)\//,
  /^(?:.*\/)?action\.ya?ml$/,
  /^\.gitlab-ci\.ya?ml$/,
  /^\.gitlab\/ci\//,
  /^\.circleci\//,
  /^\.buildkite\//,
  /^\.drone\.ya?ml$/,
  /^\.travis\.ya?ml$/,
  /^\.woodpecker(?:\/|\.ya?ml$)/,
  /^azure-pipelines[^/]*\.ya?ml$/,
  /^\.azure-pipelines\//,
  /^bitbucket-pipelines\.ya?ml$/,
  /^Jenkinsfile[^/]*$/,
  /^appveyor\.ya?ml$/,
  /^\.github\/dependabot\.ya?ml$/,
];

/** Files by which a forge decides what it runs, with the repository's secrets. */
export function touchesCi(path: string): boolean {
  return ciPaths.some((pattern) => pattern.test(path));
}

export function ciHashOf(result: unknown): string | null {
  return (result as { readonly ci?: Partial<CiChange> } | null)?.ci?.hash ?? null;
}
