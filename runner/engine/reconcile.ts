import type { NoteStatus } from '#shared/domain/feature-request.ts';
import { planKeyWrite } from '#shared/domain/key-write.ts';
import { settleRegions, type ConflictRegion, type Keep } from '../core/reconcile/conflict-regions.ts';
import { findCopies, isSame, type ReadFile } from '../core/reconcile/find-copies.ts';
import { findClashes, findDuplicates, findMarkers } from '../core/reconcile/find-in-notes.ts';
import type { Finding, Outcome, SeenFile, Settlement } from '../core/reconcile/finding.ts';
import { compareCopy } from '../core/reconcile/merge-copy.ts';
import type { RegistryReader } from '../core/ports/job-registry.ts';
import type { VaultFiles } from '../core/ports/vault-files.ts';
import type { Vault } from '../core/ports/vault.ts';

export interface ReconcileDependencies {
  readonly vault: Vault;
  readonly files: VaultFiles;
  /** Null where nothing was ever run. */
  readonly registry: Pick<RegistryReader, 'jobs' | 'outbox'> | null;
  /** Where notes of the product are, relative to the vault. */
  readonly folders: readonly string[];
  /** Takes the note's status as what was last seen, if the registry still has `before`; `runner` where one holds it. */
  readonly recordStatus: (jobId: string, before: NoteStatus, status: NoteStatus) => Promise<'recorded' | 'runner'>;
}

export interface Choice {
  readonly finding: Finding;
  /** Null for a finding in which there is nothing to choose. */
  readonly keep: Keep | null;
}

/** What a synchronisation, or two writers at once, left in the vault. Writes nothing. */
export async function findDamage({ vault, files, registry, folders }: ReconcileDependencies): Promise<Finding[]> {
  const featureRequests = await vault.scan();
  const read: ReadFile[] = [];
  for (const path of await files.list(folders)) {
    const bytes = await files.read(path);
    if (bytes) read.push({ path, bytes, text: textOf(bytes) });
  }
  return [
    ...findCopies(read),
    ...findDuplicates(featureRequests, read),
    ...findMarkers(read),
    ...findClashes(registry?.jobs({ finished: false }) ?? [], registry?.outbox() ?? [], featureRequests, read),
  ];
}

/** Settles what was chosen, in the given order, and says of each what became of it. Nothing that was written is lost. */
export async function settleDamage(
  dependencies: ReconcileDependencies,
  choices: readonly Choice[],
): Promise<ReadonlyMap<Finding, Outcome>> {
  const { files } = dependencies;
  /** What this call itself wrote, so that a second change of the same note is not taken for somebody else's. */
  const written = new Map<string, Uint8Array>();
  const outcomes = new Map<Finding, Outcome>();
  for (const choice of choices) {
    const { finding, keep } = choice;
    const { settlement } = finding;
    if (outcomes.has(finding) || settlement === null) continue;
    if (settlement.kind === 'region') {
      const { path } = settlement.note;
      const ofNote = choices.filter((other) => isRegionOf(other, path));
      const outcome = await settleNote(settlement.note, ofNote);
      for (const other of ofNote) outcomes.set(other.finding, outcome);
    } else if (settlement.kind === 'status') {
      outcomes.set(finding, await settleStatus(settlement, keep));
    } else {
      outcomes.set(finding, await settleCopy(settlement));
    }
  }
  return outcomes;

  async function replace(seen: SeenFile, text: string): Promise<string | null> {
    const next = Buffer.from(text, 'utf8');
    const kept = await files.replace(seen.path, nowExpected(seen), next);
    if (kept !== null) written.set(seen.path, next);
    return kept;
  }

  function nowExpected({ path, bytes }: SeenFile): Uint8Array {
    return written.get(path) ?? bytes;
  }

  async function settleNote(note: SeenFile, ofNote: readonly Choice[]): Promise<Outcome> {
    // From the end, so that the offsets of those before it stay right.
    const chosen = ofNote
      .map(({ finding, keep }) => ({ region: regionOf(finding), keep }))
      .sort((left, right) => (right.region?.start ?? 0) - (left.region?.start ?? 0));
    let text = textOf(note.bytes) ?? '';
    for (const { region, keep } of chosen) if (region && keep) text = settleRegions(text, [region], keep);
    const kept = await replace(note, text);
    return kept === null
      ? changed(note.path)
      : { kind: 'settled', what: `${note.path} was rewritten; how it was is kept in ${kept}.` };
  }

  async function settleCopy(settlement: Settlement & { kind: 'drop-copy' | 'merge-copy' }): Promise<Outcome> {
    const { copy, original } = settlement;
    for (const { path, bytes } of [copy, { path: original.path, bytes: nowExpected(original) }]) {
      const now = await files.read(path);
      if (!now || !isSame(now, bytes)) return changed(path);
    }
    let added = '';
    if (settlement.kind === 'merge-copy') {
      // Another copy may just have been merged into the same note.
      const standing = compareCopy(textOf(nowExpected(original)) ?? '', textOf(copy.bytes) ?? '');
      if (standing.kind === 'differs') {
        return { kind: 'left', what: `${copy.path} differs in ${standing.what} from what another copy added.` };
      }
      if (standing.kind === 'adds') {
        const kept = await replace(original, standing.text);
        if (kept === null) return changed(original.path);
        added = `What it adds is in ${original.path} now, which is kept as it was in ${kept}. `;
      }
    }
    const moved = await files.trash(copy.path, copy.bytes);
    if (moved === null) return changed(copy.path);
    return { kind: 'settled', what: `${added}${copy.path} is in ${moved} now.` };
  }

  async function settleStatus(settlement: Settlement & { kind: 'status' }, keep: Keep | null): Promise<Outcome> {
    const { note, job, found, runner, isRequest } = settlement;
    const now = await files.read(note.path);
    if (!now || !isSame(now, nowExpected(note))) return changed(note.path);
    if (keep === 'theirs') {
      if (isRequest) {
        return {
          kind: 'left-to-runner',
          what: `${note.path} keeps "${found}"; the runner takes that up when it works.`,
        };
      }
      const recorded = await dependencies.recordStatus(job, runner, found);
      return recorded === 'recorded'
        ? { kind: 'settled', what: `"${found}" stands, and ${job} goes on from it.` }
        : { kind: 'left-to-runner', what: `"${found}" stands in the note; the runner that works now takes it up.` };
    }
    const plan = planKeyWrite(textOf(now) ?? '', { keys: [], status: { expect: [found], to: runner } });
    if (plan.kind === 'refused') return { kind: 'left', what: `${note.path}: ${plan.problem.message}` };
    const kept = await replace(note, plan.text);
    return kept === null
      ? changed(note.path)
      : { kind: 'settled', what: `${note.path} says "${runner}" again; how it was is kept in ${kept}.` };
  }
}

function isRegionOf({ finding, keep }: Choice, path: string): boolean {
  return finding.settlement?.kind === 'region' && finding.settlement.note.path === path && keep !== null;
}

function regionOf({ settlement }: Finding): ConflictRegion | null {
  return settlement?.kind === 'region' ? settlement.region : null;
}

function changed(path: string): Outcome {
  return { kind: 'changed', what: `${path} was changed meanwhile, so it was left alone. Look again.` };
}

/** Null for what is not UTF-8: it could not be written back as it was. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
