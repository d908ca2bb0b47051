import { formatDuration } from '#shared/domain/duration.ts';
import { priorities } from '#shared/domain/feature-request.ts';
import * as z from 'zod/mini';
import { defaultPolicy } from '../core/configuration.ts';
import { duration } from './scalars.ts';

const { autoMerge: merging, pullRequests: defaults } = defaultPolicy;

const names = (description: string, example: string): z.ZodMiniArray<z.ZodMiniString> =>
  z
    .array(z.string().check(z.minLength(1), z.maxLength(200)))
    .check(z.maxLength(100), z.meta({ description, examples: [example] }));

const rounds = (description: string, example: number): z.ZodMiniNumber =>
  z.int().check(z.gte(0), z.lte(50), z.meta({ description, examples: [example] }));

/** When nobody needs to approve; `limits.autoMerge` in opus.yml must allow it as well. */
export const autoMerge = z.strictObject({
  priorities: z.prefault(
    z
      .array(z.enum(priorities))
      .check(z.meta({ description: 'Priorities whose changes may be merged by themselves.', examples: ['[P3]'] })),
    [...merging.priorities],
  ),
  confidence: z.prefault(
    z
      .number()
      .check(
        z.gte(90, { error: 'must be 90 or more' }),
        z.lte(100),
        z.meta({ description: "The least that the reviewer's confidence may be.", examples: [95] }),
      ),
    merging.confidence,
  ),
  lines: z.prefault(
    z
      .int()
      .check(
        z.gte(1),
        z.lte(100_000),
        z.meta({ description: 'The most lines added and removed together.', examples: [200] }),
      ),
    merging.lines,
  ),
});

export const pullRequests = z.strictObject({
  draft: z.prefault(z.boolean(), defaults.draft),
  labels: z.prefault(names('Labels of every pull request.', '[opus]'), []),
  reviewers: z.prefault(names('Who is asked for a review.', '[alice]'), []),
  approvers: z.prefault(names('Whose approving review is an approval.', '[alice]'), []),
  trusted: z.prefault(names('Who may steer without write access.', '[carol]'), []),
  resolve: z.prefault(z.boolean(), defaults.resolve),
  method: z.prefault(z.enum(['merge', 'squash', 'rebase']), defaults.method),
  quiet: z.prefault(duration, formatDuration(defaults.quiet)),
  checkRounds: z.prefault(rounds('Fix rounds for failing checks.', 3), defaults.checkRounds),
  remarkRounds: z.prefault(rounds('Rounds for remarks of reviewers.', 10), defaults.remarkRounds),
});
