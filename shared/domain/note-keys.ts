/** The properties of an FR note that mean something, by the names the product uses for them. */
export const userKeys = [
  'id',
  'title',
  'status',
  'priority',
  'repo',
  'depends_on',
  'decision',
  'base',
  'agent',
  'complexity',
  'budget',
  'auto_merge',
  'issue',
  'aliases',
  'tags',
] as const;

/** The runner's block: written by the runner alone, in this order. */
export const runnerKeys = ['run_state', 'gate', 'run_report', 'run_note', 'branch', 'pr', 'commit', 'cost'] as const;
export type RunnerKey = (typeof runnerKeys)[number];

export type NoteKey = (typeof userKeys)[number] | RunnerKey;

/** A vault's own names for properties; one that is absent is spelled as the product spells it. */
export type NoteKeyNames = Readonly<Partial<Record<NoteKey, string>>>;

export function keyName(names: NoteKeyNames, key: NoteKey): string {
  return names[key] ?? key;
}
