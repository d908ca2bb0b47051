import type { ErrorSummary } from '#shared/domain/errors.ts';
import type { Stage } from '#shared/domain/stage.ts';
import { isBlocking, reviewResult } from '#shared/domain/stage.ts';
import type { Attempt } from '../ports/job-registry.ts';

export function withAttempts(error: ErrorSummary, stage: Stage, failures: number): ErrorSummary {
  const message =
    failures > 1
      ? `${error.message.replace(/\.$/, '')}, ${failures} times in a row in the ${stage} stage.`
      : error.message;
  return { ...error, message };
}

export function roundsExhausted(attempt: Attempt, used: number): ErrorSummary {
  const review = reviewResult.safeParse(attempt.result);
  const open = review.success ? review.data.issues.filter(isBlocking).length : 0;
  const why =
    attempt.stage === 'review'
      ? `review still refuses${open > 0 ? ` with ${open} open ${open === 1 ? 'issue' : 'issues'}` : ''}`
      : attempt.stage === 'test'
        ? 'the tests still fail'
        : 'the change still does not merge cleanly with the base';
  return {
    code: 'stage.rounds-exhausted',
    message: `After ${used} fix ${used === 1 ? 'round' : 'rounds'} ${why}.`,
    hint: `The run report lists what is open. Go on with: opus job retry ${attempt.jobId} --rounds 1 --comment "…"`,
  };
}

export function crashLoop(attempt: Attempt, crashes: number): ErrorSummary {
  return {
    code: 'stage.crash-loop',
    message: `The runner ended ${crashes} times in the middle of the ${attempt.stage} stage.`,
    hint: `Find out why with opus doctor, then: opus job retry ${attempt.jobId}`,
  };
}

export function checksExhausted(jobId: string, rounds: number, checks: readonly string[]): ErrorSummary {
  return {
    code: 'stage.rounds-exhausted',
    message: `After ${rounds} fix ${rounds === 1 ? 'round' : 'rounds'} for checks of the forge ${checks.join(', ')} still ${checks.length === 1 ? 'fails' : 'fail'}.`,
    hint: `The run report has the end of the log. Go on with: opus job retry ${jobId} --from code --comment "…"`,
  };
}

export function remarksExhausted(jobId: string, rounds: number): ErrorSummary {
  return {
    code: 'stage.rounds-exhausted',
    message: `The pull request of ${jobId} was changed ${rounds} times for remarks of its reviewers, and there are new ones.`,
    hint: `Let it go on with: opus job retry ${jobId} --from code --comment "…"`,
  };
}

export function conflictExhausted(jobId: string, files: readonly string[]): ErrorSummary {
  return {
    code: 'stage.rounds-exhausted',
    message: `The branch of ${jobId} clashes with its base in ${files.join(', ')}, and all fix rounds are used.`,
    hint: `Let it settle that with: opus job retry ${jobId} --from code --rounds 1`,
  };
}
