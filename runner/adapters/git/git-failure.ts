import { OpusError } from '#shared/domain/errors.ts';

/** What git wrote to standard error, as the one error that says the most. */
export function failureOf(doing: string, stderr: string): OpusError {
  const said = firstComplaint(stderr);
  if (/No space left on device|Disk quota exceeded/.test(stderr)) {
    return new OpusError('git.failed', `Could not ${doing}: the disk is full.`, {
      hint: 'Make room on the disk of the data folder, then retry.',
      details: { stderr: bounded(stderr) },
    });
  }
  if (/dubious ownership/.test(stderr)) {
    return new OpusError('git.failed', `Could not ${doing}: the repository belongs to another user.`, {
      hint: 'Give the repository to the user the runner runs as (chown -R), or run as its owner.',
      details: { stderr: bounded(stderr) },
    });
  }
  return new OpusError('git.failed', `Could not ${doing}: ${said}`, { details: { stderr: bounded(stderr) } });
}

/** The failure of talking to an origin. */
export function originFailureOf(repository: { name: string; url: string }, doing: string, stderr: string): OpusError {
  const where = withoutCredentials(repository.url);
  if (
    /does not appear to be a git repository|not a git repository|[Rr]epository .*not found|does not exist|No such file or directory/.test(
      stderr,
    )
  ) {
    return new OpusError('git.repository-missing', `There is no git repository for '${repository.name}' at ${where}.`, {
      hint: `Correct repos.${repository.name}.url in opus.yml.`,
      details: { stderr: bounded(stderr) },
    });
  }
  if (/unable to update url base from redirection|redirects followed|returned error: 30\d/.test(stderr)) {
    return new OpusError('git.repository-missing', `The repository '${repository.name}' at ${where} was moved.`, {
      hint: `Write its new address into repos.${repository.name}.url in opus.yml; credentials are not sent after a redirect.`,
      details: { stderr: bounded(stderr) },
    });
  }
  const isOverHttp = /^https?:/i.test(repository.url);
  if (
    /Authentication failed|could not read Username|terminal prompts disabled|Permission denied|returned error: 40[13]/.test(
      stderr,
    )
  ) {
    return new OpusError(
      // Over HTTP it is the answer of a server, which another try does not change.
      isOverHttp ? 'forge.unauthorized' : 'git.failed',
      `The origin of '${repository.name}' at ${where} refused the runner's credentials.`,
      {
        hint: isOverHttp
          ? `The token of repos.${repository.name} in opus.yml has expired, was revoked or may not do this, or there is no such repository: mend that, then retry. \`opus doctor\` checks it.`
          : `Check the token or key of repos.${repository.name} in opus.yml.`,
        details: { stderr: bounded(stderr) },
      },
    );
  }
  if (looksDamaged(stderr)) {
    return new OpusError(
      'git.failed',
      `The repository '${repository.name}' at ${where} is damaged: ${firstComplaint(stderr)}`,
      {
        hint: `\`git -C ${where} fsck --full\` says what is missing.`,
        details: { stderr: bounded(stderr) },
      },
    );
  }
  return failureOf(`${doing} '${repository.name}' at ${where}`, stderr);
}

export function looksDamaged(stderr: string): boolean {
  return /corrupt|is empty|bad object|unable to read|missing (?:blob|tree|commit|object)|bad tree|not a git repository|invalid sha1|did not send all necessary|index-pack failed|broken|early EOF|bad signature|inflate|bad config/i.test(
    stderr,
  );
}

export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
}

/** The first line git marked as fatal or error, without the mark; the last line when none is marked. */
export function firstComplaint(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const marked = lines.find((line) => /^(?:remote: )?(?:fatal|error):/.test(line));
  const line = marked ?? lines.at(-1) ?? 'git said nothing';
  return withoutCredentials(line.replace(/^(?:remote: )?(?:fatal|error):\s*/, '').slice(0, 300));
}

function bounded(stderr: string): string {
  return stderr.slice(-4000).replaceAll(/([a-z]+:\/\/)[^/@\s]*@/gi, '$1');
}
