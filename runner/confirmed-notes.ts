import { toOpusError } from '#shared/domain/errors.ts';
import { parseAgentNote } from './adapters/vault/agent-note.ts';
import { parsePolicy } from './config/policy.ts';
import { defaultPolicy, type Policy } from './core/configuration.ts';
import type { RegistryReader, TrustedNote } from './core/ports/job-registry.ts';
import type { ConfirmedNotes } from './engine/stage-context.ts';
import { kindOfPath, type CheckCodeNote } from './engine/trust.ts';

/** Policy, profiles, rules and memory as they were confirmed; a broken one was refused before. */
export function createConfirmedNotes(registry: RegistryReader): () => ConfirmedNotes {
  let known: { readonly key: string; readonly notes: ConfirmedNotes } | null = null;
  return () => {
    const notes = registry.trustedNotes();
    // Asked for several times in each stage, and parsed only when another note was confirmed.
    const key = JSON.stringify(notes.map(({ path, hash }) => [path, hash]));
    if (known?.key !== key) known = { key, notes: parsed(notes) };
    return known.notes;
  };
}

function parsed(notes: readonly TrustedNote[]): ConfirmedNotes {
  const named = (kind: 'review-rule' | 'memory') =>
    notes
      .filter((note) => kindOfPath(note.path) === kind)
      .map((note) => ({ name: nameOf(note.path), text: withoutFrontmatter(note.text) }));
  return {
    policy: policyOf(notes.find((note) => kindOfPath(note.path) === 'policy')),
    profiles: notes
      .filter((note) => kindOfPath(note.path) === 'agent')
      .flatMap((note) => {
        const read = parseAgentNote(note.path, note.text);
        return read.kind === 'agent' ? [read.profile] : [];
      }),
    reviewRules: named('review-rule'),
    memory: named('memory'),
  };
}

function policyOf(note: { readonly path: string; readonly text: string } | undefined): Policy {
  return note ? parsePolicy(note.text, note.path) : defaultPolicy;
}

export const checkCodeNote: CheckCodeNote = (note) => {
  if (note.kind === 'agent') {
    const parsed = parseAgentNote(note.path, note.text);
    return parsed.kind === 'invalid' ? parsed.problems : [];
  }
  if (note.kind === 'policy') {
    try {
      parsePolicy(note.text, note.path);
    } catch (thrown) {
      const error = toOpusError(thrown);
      const problems = error.details['problems'];
      if (Array.isArray(problems)) return problems as ReturnType<CheckCodeNote>;
      return [{ line: 1, message: error.message, hint: error.hint ?? '' }];
    }
  }
  return [];
};

function nameOf(path: string): string {
  return (path.split('/').at(-1) ?? path).replace(/\.md$/, '');
}

function withoutFrontmatter(text: string): string {
  return text.replace(/^\uFEFF?---\r?\n[\s\S]*?\r?\n---[ \t]*(?:\r?\n|$)/, '').trim();
}
