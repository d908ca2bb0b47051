import type { ErrorSummary } from '#shared/domain/errors.ts';
import { shortHash } from '#shared/domain/ids.ts';

/** What of a change a forge would run as soon as it is pushed. Kept with the result of the code stage. */
export interface CiChange {
  readonly files: readonly string[];
  /** Of those files as the change leaves them. */
  readonly hash: string;
}

/** A note's line holds so many. */
const shownFiles = 5;

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

/** What a person is told who is to accept it. */
export function ciSentence(job: string, featureRequest: string, files: readonly string[], hash: string): ErrorSummary {
  const some = files.slice(0, shownFiles).join(', ');
  const more = files.length > shownFiles ? ` and ${files.length - shownFiles} more` : '';
  return {
    code: 'forge.ci-change',
    message: `${job} changes what the forge runs as soon as it is pushed: ${some}${more}. Nothing was pushed.`,
    hint: `Look at it with: opus job diff ${job}; then: opus approve ${featureRequest}, or write "approve ${shortHash(hash)}" into the note.`,
  };
}

export function ciFilesOf(result: unknown): readonly string[] {
  return (result as { readonly ci?: Partial<CiChange> } | null)?.ci?.files ?? [];
}

export function ciHashOf(result: unknown): string | null {
  return (result as { readonly ci?: Partial<CiChange> } | null)?.ci?.hash ?? null;
}
