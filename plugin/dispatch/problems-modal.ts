import { Modal, Setting, type App } from 'obsidian';
import type { NoteProblem } from '../../shared/domain/feature-request.ts';

export interface NoteProblems {
  readonly path: string;
  readonly title: string;
  readonly problems: readonly Pick<NoteProblem, 'message' | 'hint' | 'line' | 'severity'>[];
}

export interface ShownProblems {
  readonly notes: readonly NoteProblems[];
  readonly openNote: (path: string, line?: number) => void;
  /** Whether these were to be dispatched and are not. */
  readonly isHeldBack: boolean;
}

/** What is wrong with notes, each with a button that leads to its line. */
export function showProblems(app: App, { notes, openNote, isHeldBack }: ShownProblems): void {
  const modal = new Modal(app);
  modal.modalEl.addClass('opus-problems');
  modal.setTitle(isHeldBack ? 'Not dispatched' : 'Problems in this note');
  for (const note of notes) {
    new Setting(modal.contentEl).setName(note.title).setDesc(note.path).setHeading();
    for (const { message, hint, line, severity } of note.problems) {
      new Setting(modal.contentEl)
        .setName(severity === 'warning' ? `Warning: ${message}` : message)
        .setDesc(hint)
        .addButton((button) =>
          button.setButtonText(`Open line ${line}`).onClick(() => {
            modal.close();
            openNote(note.path, line);
          }),
        );
    }
  }
  modal.open();
}
