import type { App } from './app.ts';
import { ButtonComponent } from './controls.ts';
import { Scope } from './keymap.ts';

export class Modal {
  readonly app: App;
  readonly scope = new Scope();
  readonly containerEl = createDiv('modal-container mod-dim');
  readonly modalEl: HTMLElement;
  readonly titleEl: HTMLElement;
  readonly contentEl: HTMLElement;
  shouldRestoreSelection = true;
  $before: Element | null = null;
  $onClosed: (() => unknown) | null = null;

  constructor(app: App) {
    this.app = app;
    const background = this.containerEl.createDiv('modal-bg');
    this.modalEl = this.containerEl.createDiv('modal');
    const close = this.modalEl.createDiv('modal-close-button');
    this.titleEl = this.modalEl.createDiv('modal-header').createDiv('modal-title');
    this.contentEl = this.modalEl.createDiv('modal-content');
    for (const element of [background, close])
      element.addEventListener('click', () => {
        this.close();
      });
    this.scope.register([], 'Escape', () => {
      this.close();
      return false;
    });
  }

  open(): void {
    this.$before = document.activeElement;
    document.body.appendChild(this.containerEl);
    this.app.keymap.pushScope(this.scope);
    void this.onOpen();
    // As Obsidian does it: whatever can be typed into, else the first that can be pressed.
    if (!this.containerEl.contains(document.activeElement))
      this.modalEl.querySelector<HTMLElement>('input, textarea, select, button, [tabindex="0"]')?.focus();
  }

  close(): void {
    if (!this.containerEl.isConnected) return;
    this.app.keymap.popScope(this.scope);
    this.containerEl.remove();
    if (this.shouldRestoreSelection && this.$before instanceof HTMLElement) this.$before.focus();
    this.onClose();
    this.$onClosed?.();
  }

  onOpen(): Promise<void> | void {
    return undefined;
  }

  onClose(): void {
    return undefined;
  }

  setTitle(title: string): this {
    this.titleEl.setText(title);
    return this;
  }

  setContent(content: string | DocumentFragment): this {
    this.contentEl.setText(content);
    return this;
  }

  setCloseCallback(callback: () => unknown): this {
    this.$onClosed = callback;
    return this;
  }
}

export class ConfirmationButton extends ButtonComponent {
  readonly $modal: ConfirmationModal;

  constructor(container: HTMLElement, modal: ConfirmationModal) {
    super(container);
    this.$modal = modal;
    this.onClick(() => undefined);
  }

  override onClick(handler: (event: MouseEvent) => unknown): this {
    return super.onClick(async (event) => {
      await handler(event);
      this.$modal.close();
    });
  }

  setInitialFocus(): this {
    this.$modal.$initialFocus = this.buttonEl;
    return this;
  }

  setSecondary(): this {
    return this.setClass('mod-secondary');
  }

  setCancel(): this {
    return this.setClass('mod-cancel');
  }
}

export class ConfirmationModal extends Modal {
  readonly buttonContainerEl: HTMLElement = this.modalEl.createDiv('modal-button-container');
  $initialFocus: HTMLElement | null = null;

  override open(): void {
    super.open();
    this.$initialFocus?.focus();
  }

  addClass(name: string): this {
    this.modalEl.addClass(name);
    return this;
  }

  addCheckbox(label: string, callback: (value: boolean) => unknown): this {
    const line = this.buttonContainerEl.createEl('label', { cls: 'mod-checkbox' });
    const box = line.createEl('input', { type: 'checkbox' });
    line.appendText(label);
    box.addEventListener('change', () => void callback(box.checked));
    return this;
  }

  addButton(callback: (button: ConfirmationButton) => unknown): this {
    callback(new ConfirmationButton(this.buttonContainerEl, this));
    return this;
  }

  addCancelButton(text = 'Cancel'): this {
    return this.addButton((button) => button.setCancel().setButtonText(text));
  }
}

/** A list to choose from by typing; used by the palette too. */
export abstract class SuggestModal<Value> extends Modal {
  limit = 100;
  emptyStateText = 'No results found.';
  readonly inputEl = createEl('input', { cls: 'prompt-input', type: 'text' });
  readonly resultContainerEl = createDiv('prompt-results');
  $values: Value[] = [];
  $at = 0;

  constructor(app: App) {
    super(app);
    this.modalEl.className = 'prompt';
    this.modalEl.replaceChildren(this.inputEl, this.resultContainerEl);
    this.inputEl.setAttribute('aria-label', 'Search');
    this.inputEl.addEventListener('input', () => void this.$suggest());
    const move = (by: number) => (): false => {
      this.$at = (this.$at + by + this.$values.length) % Math.max(1, this.$values.length);
      this.$mark();
      return false;
    };
    this.scope.register([], 'ArrowDown', move(1));
    this.scope.register([], 'ArrowUp', move(-1));
    this.scope.register(null, 'Enter', (event) => {
      this.selectActiveSuggestion(event);
      return false;
    });
  }

  override open(): void {
    super.open();
    this.inputEl.focus();
    void this.$suggest();
  }

  async $suggest(): Promise<void> {
    const query = this.inputEl.value;
    const values = await this.getSuggestions(query);
    if (query !== this.inputEl.value) return;
    this.$values = values.slice(0, this.limit);
    this.$at = 0;
    this.resultContainerEl.empty();
    if (values.length === 0) {
      this.onNoSuggestion();
      return;
    }
    for (const value of this.$values) {
      const element = this.resultContainerEl.createDiv('suggestion-item');
      this.renderSuggestion(value, element);
      element.addEventListener('click', (event) => {
        this.selectSuggestion(value, event);
      });
    }
    this.$mark();
  }

  $mark(): void {
    for (const [at, element] of [...this.resultContainerEl.children].entries())
      element.toggleClass('is-selected', at === this.$at);
  }

  setPlaceholder(placeholder: string): void {
    this.inputEl.placeholder = placeholder;
  }

  setInstructions(_instructions: { command: string; purpose: string }[]): void {
    return undefined;
  }

  onNoSuggestion(): void {
    this.resultContainerEl.createDiv({ cls: 'suggestion-empty', text: this.emptyStateText });
  }

  selectSuggestion(value: Value, event: MouseEvent | KeyboardEvent): void {
    this.close();
    this.onChooseSuggestion(value, event);
  }

  selectActiveSuggestion(event: MouseEvent | KeyboardEvent): void {
    const value = this.$values[this.$at];
    if (value !== undefined) this.selectSuggestion(value, event);
  }

  abstract getSuggestions(query: string): Value[] | Promise<Value[]>;
  abstract renderSuggestion(value: Value, element: HTMLElement): void;
  abstract onChooseSuggestion(value: Value, event: MouseEvent | KeyboardEvent): void;
}

interface FuzzyMatch<Item> {
  readonly item: Item;
  readonly match: { readonly score: number; readonly matches: [number, number][] };
}

export abstract class FuzzySuggestModal<Item> extends SuggestModal<FuzzyMatch<Item>> {
  getSuggestions(query: string): FuzzyMatch<Item>[] {
    const words = query.toLowerCase().split(/\s+/);
    return this.getItems()
      .filter((item) => words.every((word) => this.getItemText(item).toLowerCase().includes(word)))
      .map((item) => ({ item, match: { score: 0, matches: [] } }));
  }

  renderSuggestion({ item }: FuzzyMatch<Item>, element: HTMLElement): void {
    element.setText(this.getItemText(item));
  }

  onChooseSuggestion({ item }: FuzzyMatch<Item>, event: MouseEvent | KeyboardEvent): void {
    this.onChooseItem(item, event);
  }

  abstract getItems(): Item[];
  abstract getItemText(item: Item): string;
  abstract onChooseItem(item: Item, event: MouseEvent | KeyboardEvent): void;
}
