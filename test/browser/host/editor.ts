import { Compartment, EditorSelection, EditorState, StateField, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

export const editorLivePreviewField = StateField.define<boolean>({ create: () => false, update: (value) => value });
export const editorInfoField = StateField.define<unknown>({ create: () => null, update: (value) => value });
export const editorEditorField = StateField.define<EditorView | null>({ create: () => null, update: (value) => value });

interface Position {
  readonly line: number;
  readonly ch: number;
}

interface EditorOptions {
  readonly parent: HTMLElement;
  readonly info: unknown;
  readonly extensions: () => readonly Extension[];
  readonly onEdit: () => void;
}

/** Obsidian's editor upon CodeMirror, always with live preview. */
export class Editor {
  readonly $view: EditorView;
  readonly $extensions = new Compartment();
  readonly $options: EditorOptions;

  constructor(options: EditorOptions) {
    this.$options = options;
    this.$view = new EditorView({
      parent: options.parent,
      state: EditorState.create({
        extensions: [
          editorLivePreviewField.init(() => true),
          editorInfoField.init(() => options.info),
          editorEditorField.init(() => null),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': 'Note' }),
          EditorView.updateListener.of(({ docChanged, transactions }) => {
            if (docChanged && !transactions.some((each) => each.isUserEvent('stored'))) options.onEdit();
          }),
          this.$extensions.of([...options.extensions()]),
        ],
      }),
    });
  }

  $reconfigure(): void {
    this.$view.dispatch({ effects: this.$extensions.reconfigure([...this.$options.extensions()]) });
  }

  /** Changes only what is different, so that the cursor stays where it is. */
  $replace(text: string): void {
    const old = this.getValue();
    let from = 0;
    while (from < old.length && from < text.length && old[from] === text[from]) from += 1;
    let end = 0;
    while (end < old.length - from && end < text.length - from && old.at(-1 - end) === text.at(-1 - end)) end += 1;
    const changes = { from, to: old.length - end, insert: text.slice(from, text.length - end) };
    if (old !== text) this.$view.dispatch({ changes, userEvent: 'stored' });
  }

  getDoc(): this {
    return this;
  }

  getValue(): string {
    return this.$view.state.doc.toString();
  }

  setValue(content: string): void {
    this.$view.dispatch({ changes: { from: 0, to: this.$view.state.doc.length, insert: content } });
  }

  getLine(line: number): string {
    return this.$view.state.doc.line(line + 1).text;
  }

  lineCount(): number {
    return this.$view.state.doc.lines;
  }

  lastLine(): number {
    return this.lineCount() - 1;
  }

  posToOffset({ line, ch }: Position): number {
    const { doc } = this.$view.state;
    const found = doc.line(Math.min(Math.max(line + 1, 1), doc.lines));
    return Math.min(found.from + ch, found.to);
  }

  offsetToPos(offset: number): Position {
    const { number, from } = this.$view.state.doc.lineAt(offset);
    return { line: number - 1, ch: offset - from };
  }

  getSelection(): string {
    const { from, to } = this.$view.state.selection.main;
    return this.$view.state.sliceDoc(from, to);
  }

  somethingSelected(): boolean {
    return !this.$view.state.selection.main.empty;
  }

  getRange(from: Position, to: Position): string {
    return this.$view.state.sliceDoc(this.posToOffset(from), this.posToOffset(to));
  }

  replaceSelection(replacement: string): void {
    this.$view.dispatch(this.$view.state.replaceSelection(replacement));
  }

  replaceRange(replacement: string, from: Position, to: Position = from): void {
    this.$view.dispatch({
      changes: { from: this.posToOffset(from), to: this.posToOffset(to), insert: replacement },
    });
  }

  getCursor(side: 'from' | 'to' | 'head' | 'anchor' = 'head'): Position {
    return this.offsetToPos(this.$view.state.selection.main[side]);
  }

  setCursor(position: Position | number, ch = 0): void {
    this.setSelection(typeof position === 'number' ? { line: position, ch } : position);
  }

  setSelection(anchor: Position, head: Position = anchor): void {
    const selection = EditorSelection.range(this.posToOffset(anchor), this.posToOffset(head));
    this.$view.dispatch({ selection: EditorSelection.create([selection]), scrollIntoView: true });
  }

  scrollIntoView({ from }: { from: Position; to: Position }): void {
    this.$view.dispatch({ effects: EditorView.scrollIntoView(this.posToOffset(from), { y: 'center' }) });
  }

  focus(): void {
    this.$view.focus();
  }

  blur(): void {
    this.$view.contentDOM.blur();
  }

  hasFocus(): boolean {
    return this.$view.hasFocus;
  }

  refresh(): void {
    this.$view.requestMeasure();
  }
}
