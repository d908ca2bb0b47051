import { TFile, type App, type Vault } from 'obsidian';
import { planKeyWrite, type PlannedKeyWrite } from '../../shared/domain/key-write.ts';
import type { MethodInput } from '../../shared/protocol/methods.ts';
import { isNotePath, longestNote } from '../../shared/protocol/vault-bundle.ts';
import type { VaultWrite } from '../../shared/protocol/wire.ts';
import { byteLength, isUtf8, sha256 } from './note-texts.ts';

export type WriteAcknowledgement = MethodInput<'vault.applied'>;
type Outcome = WriteAcknowledgement['outcome'];

/** Applies the runner's writes to the vault, each once. Never rejects: what went wrong is in the acknowledgement. */
export type WriteApplier = (write: VaultWrite) => Promise<WriteAcknowledgement>;

const mostRemembered = 500;

/** Writes nothing but plain notes; nothing hidden, so no settings and no plugins. */
export function createWriteApplier(app: Pick<App, 'vault' | 'fileManager'>): WriteApplier {
  const { vault } = app;
  const written = new Set<string>();

  async function acknowledge(write: VaultWrite, outcome: Outcome): Promise<WriteAcknowledgement> {
    const file = vault.getFileByPath(write.write.path);
    const text = file === null || outcome.kind === 'gone' ? null : await vault.read(file);
    return { id: write.id, outcome, text: text !== null && byteLength(text) > longestNote ? null : text };
  }

  async function apply({ write }: VaultWrite): Promise<Outcome> {
    if (!isNotePath(write.path, [folderOf(write.path)])) {
      return refused(`${write.path} is not a note that the runner may write.`);
    }
    if (write.kind === 'keys') return await writeKeys(write);
    return write.kind === 'note' ? await writeNote(write) : await removeNote(write);
  }

  async function writeKeys(write: Extract<VaultWrite['write'], { kind: 'keys' }>): Promise<Outcome> {
    const file = vault.getFileByPath(write.path);
    if (file === null) return { kind: 'gone' };
    if (!(await isUtf8(vault, file))) {
      return { kind: 'refused', code: 'note.not-utf8', message: 'The note is not UTF-8 text.', line: 1 };
    }
    if (file.stat.size > longestNote) {
      return { kind: 'refused', code: 'note.too-large', message: 'The note is too large.', line: 1 };
    }
    let outcome: Outcome = { kind: 'failed', message: `${write.path} could not be read.` };
    await vault.process(file, (text) => {
      const plan = planKeyWrite(text, write, write.names);
      outcome = outcomeOf(plan, text);
      return plan.kind === 'planned' ? plan.text : text;
    });
    return outcome;
  }

  async function writeNote(write: Extract<VaultWrite['write'], { kind: 'note' }>): Promise<Outcome> {
    const there = vault.getAbstractFileByPath(write.path);
    if (there instanceof TFile) {
      if (write.mode === 'create') return { kind: 'clash', found: '' };
      const isSame = (await vault.read(there)) === write.text;
      if (!isSame) await vault.process(there, () => write.text);
      return { kind: isSame ? 'unchanged' : 'written' };
    }
    if (there !== null) return refused(`${write.path} is a folder.`);
    await makeFolders(vault, folderOf(write.path));
    await vault.create(write.path, write.text);
    return { kind: 'written' };
  }

  async function removeNote(write: Extract<VaultWrite['write'], { kind: 'remove' }>): Promise<Outcome> {
    const file = vault.getFileByPath(write.path);
    if (file === null) return { kind: 'gone' };
    if ((await sha256(await vault.read(file))) !== write.expect) return { kind: 'clash', found: '' };
    await app.fileManager.trashFile(file);
    return { kind: 'written' };
  }

  function remember(id: string): void {
    written.add(id);
    for (const oldest of written) {
      if (written.size <= mostRemembered) break;
      written.delete(oldest);
    }
  }

  return async (write) => {
    try {
      if (written.has(write.id)) return await acknowledge(write, { kind: 'written' });
      const outcome = await apply(write);
      if (outcome.kind === 'written') remember(write.id);
      return await acknowledge(write, outcome);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { id: write.id, outcome: { kind: 'failed', message: message.slice(0, 2_000) }, text: null };
    }
  };
}

function outcomeOf(plan: PlannedKeyWrite, text: string): Outcome {
  if (plan.kind === 'refused') {
    const { code, message, line } = plan.problem;
    return { kind: 'refused', code, message, line };
  }
  if (plan.clash !== null) return { kind: 'clash', found: plan.clash.slice(0, 500) };
  return { kind: plan.text === text ? 'unchanged' : 'written' };
}

async function makeFolders(vault: Vault, folder: string): Promise<void> {
  let made = '';
  for (const part of folder.split('/')) {
    made = made === '' ? part : `${made}/${part}`;
    if (vault.getFolderByPath(made) === null) await vault.createFolder(made);
  }
}

function folderOf(path: string): string {
  return path.split('/').slice(0, -1).join('/');
}

function refused(message: string): Outcome {
  return { kind: 'refused', code: 'note.unreadable', message, line: 1 };
}
