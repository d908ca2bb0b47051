import { noteStatuses } from '#shared/domain/feature-request.ts';
import * as z from 'zod/mini';
import { defaultPolicy } from '../core/configuration.ts';

const name = (description: string, example: string): z.ZodMiniString =>
  z.string().check(z.minLength(1), z.maxLength(100), z.meta({ description, examples: [example] }));

export const mention = z
  .string()
  .check(
    z.regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,38}$/, { error: 'must be a name as it stands behind the @' }),
    z.meta({ description: 'By which name comments speak to the runner.', examples: ['orchestrator'] }),
  );

export const issues = z
  .strictObject({
    label: name('Open issues with this label become notes.', 'opus'),
    comment: z.prefault(z.boolean(), false),
    folder: z.prefault(
      z.string().check(
        z.refine(
          (path) => path !== '' && !/^[/\\]/.test(path) && !path.split(/[/\\]/).some((part) => /^\.*$/.test(part)),
          {
            error: 'must be a folder below the folder of features',
          },
        ),
        z.meta({ examples: ['03_planned'] }),
      ),
      '03_planned',
    ),
    status: z.prefault(z.enum(['idea', 'planned']), 'idea'),
  })
  .check(z.meta({ examples: ['{ label: opus, comment: true }'] }));

export const labels = z.strictObject({
  status: z.prefault(z.boolean(), defaultPolicy.labels.status),
  agent: z.prefault(z.boolean(), defaultPolicy.labels.agent),
});

export const project = z
  .strictObject({
    owner: name('A person or an organisation.', 'acme'),
    number: z.int().check(z.gte(1), z.meta({ examples: [3] })),
    field: z.prefault(name('A field of one choice.', 'Status'), 'Status'),
    values: z
      .partialRecord(z.enum(noteStatuses), z.string().check(z.minLength(1)))
      .check(z.meta({ examples: ['{ in-progress: In progress, done: Done }'] })),
  })
  .check(z.meta({ examples: ['{ owner: acme, number: 3, values: { done: Done } }'] }));
