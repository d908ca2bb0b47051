import { normalizePath, Notice, type App } from 'obsidian';
import { slug } from '../../shared/domain/ids.ts';
import { featureRequestText, nextFeatureRequestId } from '../../shared/domain/new-feature-request.ts';
import { readFrontmatter } from '../../shared/frontmatter/read.ts';
import { spliceFrontmatter } from '../../shared/frontmatter/splice.ts';
import type { BoardFeatureRequest } from '../../shared/protocol/board.ts';
import type { Settings } from '../stored-settings.ts';
import { openForm } from '../views/modals.ts';
import type { FeatureNotes } from './feature-notes.ts';

export interface NewNoteOptions {
  readonly app: App;
  readonly settings: Settings;
  readonly notes: FeatureNotes;
  /** What the runner knows of, where this device has not all of the vault yet. */
  readonly known: readonly BoardFeatureRequest[];
}

/** Asks for a title, and creates and opens a note with the next free id. */
export async function createNewNote({ app, settings, notes, known }: NewNoteOptions): Promise<void> {
  const values = await openForm(app, {
    title: 'New FR',
    text: 'It begins as an idea: nothing is started before you plan or dispatch it.',
    action: 'Create',
    destructive: false,
    fields: [{ key: 'title', label: 'Title', value: '', long: false, required: true }],
  });
  if (!values) return;
  const title = (values['title'] ?? '').trim().replace(/\s+/g, ' ');
  try {
    const id = nextFeatureRequestId([...notes.ids().map((taken) => ({ id: taken })), ...known]);
    const text = await newText(app, settings.template, id, title);
    const folder = normalizePath(settings.newNoteFolder);
    if (!app.vault.getFolderByPath(folder)) await app.vault.createFolder(folder);
    const words = slug(title);
    const file = await app.vault.create(`${folder}/${id}${words === '' ? '' : `-${words}`}.md`, text);
    await app.workspace.getLeaf(false).openFile(file);
  } catch (error) {
    new Notice(`The note was not created: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function newText(app: App, template: string, id: string, title: string): Promise<string> {
  const file = template === '' ? null : app.vault.getFileByPath(normalizePath(template));
  if (!file) return featureRequestText(id, title);
  const written = (await app.vault.cachedRead(file))
    // Swedish writes dates as properties have them.
    .replaceAll('{{date}}', new Date().toLocaleDateString('sv-SE'))
    .replaceAll('{{id}}', id);
  const { bodyStart } = readFrontmatter(written).block ?? { bodyStart: 0 };
  // A title with a colon in it must not meet the properties but in quotes, as which it is set below.
  const filled =
    written.slice(0, bodyStart).replaceAll('{{title}}', id) +
    written.slice(bodyStart).replaceAll('{{title}}', () => title);
  // Whatever the template says of them, these two are this note's own.
  const outcome = spliceFrontmatter(filled, [
    ['id', id],
    ['title', title],
  ]);
  if (outcome.kind === 'spliced') return outcome.text;
  throw new Error(`${template}:${outcome.problem.line}: ${outcome.problem.message} ${outcome.problem.hint}`);
}
