import { priorities } from '#shared/domain/feature-request.ts';
import { stages } from '#shared/domain/stage.ts';
import * as z from 'zod/mini';
import { defaultPolicy, notificationKinds } from '../core/configuration.ts';
import { issues, labels, mention, project } from './forge-policy.ts';
import { autoMerge, pullRequests } from './pull-request-policy.ts';

const folder = z.string().check(
  z.refine((path) => /^[^/\\].*$/.test(path) && !path.split('/').some((part) => part === '..' || part === '.'), {
    error: 'must be a folder of the vault, relative to its root',
  }),
  z.meta({ examples: ['10_features'] }),
);

const stageList = z.array(z.enum(stages)).check(
  z.refine((list) => list.includes('code'), { error: 'must name `code`' }),
  z.refine((list) => new Set(list).size === list.length, { error: 'names a stage twice' }),
  z.refine((list) => !list.includes('merge') || list.indexOf('merge') === list.length - 1, {
    error: 'must end with `merge`',
  }),
  z.refine(
    (list) => !list.includes('deliver') || list.slice(list.indexOf('deliver') + 1).every((stage) => stage === 'merge'),
    {
      error: 'must have `deliver` after the other stages',
    },
  ),
  z.refine((list) => !list.includes('merge') || list.includes('deliver'), {
    error: 'names `merge` without `deliver`',
  }),
  z.refine((list) => !list.includes('plan') || list.indexOf('plan') < list.indexOf('code'), {
    error: 'must have `plan` before `code`',
  }),
  z.refine(
    (list) =>
      ['test', 'review'].every((stage) => !list.slice(0, list.indexOf('code')).some((before) => before === stage)),
    {
      error: 'must have `test` and `review` after `code`',
    },
  ),
  z.meta({
    description: 'The stages that run, in order. A list that names neither deliver nor merge is followed by both.',
    examples: ['[code, test, review]'],
  }),
);

/** The frontmatter of 00_system/opus/config.md. */
export const policySchema = z.strictObject({
  version: z.prefault(z.literal(1), 1),
  dispatch: z.prefault(z.enum(['auto', 'manual']), defaultPolicy.dispatch),
  backlog: z.prefault(z.enum(['ask', 'dispatch']), defaultPolicy.backlog),
  preempt: z.prefault(z.enum([...priorities, 'none']), defaultPolicy.preempt ?? 'none'),
  approvers: z.prefault(z.array(z.string().check(z.minLength(1), z.meta({ examples: ['me'] }))), []),
  fourEyes: z.prefault(z.boolean(), defaultPolicy.fourEyes),
  autoMerge: z.prefault(autoMerge, {}),
  pullRequests: z.prefault(pullRequests, {}),
  mention: z.prefault(mention, defaultPolicy.mention),
  issues: z.optional(issues),
  labels: z.prefault(labels, {}),
  project: z.optional(project),
  stages: z.prefault(stageList, [...defaultPolicy.stages]),
  rounds: z.optional(z.int().check(z.gte(0), z.lte(50), z.meta({ examples: [3] }))),
  planApproval: z.prefault(
    z.boolean().check(z.meta({ description: 'Whether a person approves the plan before code is written.' })),
    defaultPolicy.planApproval,
  ),
  bodyDependencies: z.prefault(
    z
      .boolean()
      .check(z.meta({ description: 'Whether "after FR-009", "depends on FR-009" and "blocked by: FR-009" count.' })),
    defaultPolicy.bodyDependencies,
  ),
  notify: z.prefault(z.array(z.enum(notificationKinds)).check(z.meta({ examples: ['[decision, failure]'] })), [
    ...defaultPolicy.notify,
  ]),
  idPattern: z.prefault(
    z
      .string()
      .check(
        z.refine(isPattern, { error: 'must be a regular expression' }),
        z.meta({ description: 'What an id looks like.', examples: ["'^FR-\\d+$'"] }),
      ),
    defaultPolicy.idPattern,
  ),
  folders: z.prefault(
    z.strictObject({
      features: z.prefault(folder, defaultPolicy.folders.features),
      reports: z.prefault(folder, defaultPolicy.folders.reports),
    }),
    {},
  ),
});

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}
