import { locateFrontmatter } from '#shared/frontmatter/locate.ts';
import type { Stage } from '#shared/domain/stage.ts';
import type { Policy } from '../core/configuration.ts';
import { policySchema } from './policy-schema.ts';
import { invalidConfiguration, problemsOf } from './problems.ts';
import { readYamlSource } from './yaml-source.ts';

/**
 * The policy that a note's frontmatter states; a note without one states the defaults.
 * Rejects everything that is wrong with it at once, with `config.invalid`. `path` names the note in messages.
 */
export function parsePolicy(note: string, path: string): Policy {
  const location = locateFrontmatter(note);
  if (location.kind === 'broken') throw invalidConfiguration(path, [location.problem]);
  const yaml = location.kind === 'found' ? note.slice(location.block.start, location.block.end) : '';
  const source = readYamlSource(yaml, 2);
  if (source.problems.length > 0) throw invalidConfiguration(path, source.problems);
  const parsed = policySchema.safeParse(source.value);
  if (!parsed.success) throw invalidConfiguration(path, problemsOf(parsed.error, policySchema, source));
  const { version: _version, preempt, rounds, stages, folders, issues, project, ...same } = parsed.data;
  return {
    ...same,
    preempt: preempt === 'none' ? null : preempt,
    rounds: rounds ?? null,
    issues: issues === undefined ? null : { ...issues, folder: withoutSlash(issues.folder) },
    project: project ?? null,
    stages: withDelivery(stages),
    folders: { features: withoutSlash(folders.features), reports: withoutSlash(folders.reports) },
  };
}

function withDelivery(stages: readonly Stage[]): readonly Stage[] {
  return stages.includes('deliver') || stages.includes('merge') ? stages : [...stages, 'deliver', 'merge'];
}

function withoutSlash(folder: string): string {
  return folder.replace(/\/+$/, '');
}
