import { ConfirmationModal, Modal, Setting, type App, type TextAreaComponent, type TextComponent } from 'obsidian';

export interface Confirmation {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly destructive: boolean;
}

export function confirm(app: App, question: Confirmation): Promise<boolean> {
  return choose(app, { ...question, actions: [{ ...question, value: true }] }).then((chosen) => chosen ?? false);
}

export interface Choice<Value> {
  readonly title: string;
  readonly text: string;
  readonly actions: readonly { readonly action: string; readonly destructive: boolean; readonly value: Value }[];
}

/** Null when it was given up. */
export function choose<Value>(app: App, choice: Choice<Value>): Promise<Value | null> {
  return new Promise((resolve) => {
    let chosen: Value | null = null;
    const modal = new ConfirmationModal(app);
    modal.setTitle(choice.title);
    for (const paragraph of choice.text.split('\n')) modal.contentEl.createEl('p', { text: paragraph });
    for (const { action, destructive, value } of choice.actions) {
      modal.addButton((button) => {
        button.setButtonText(action).onClick(() => {
          chosen = value;
        });
        // A destructive one is not what Enter does.
        if (destructive) button.setDestructive();
        else button.setCta().setInitialFocus();
      });
    }
    modal.addCancelButton();
    modal.setCloseCallback(() => {
      resolve(chosen);
    });
    modal.open();
  });
}

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly label: string;
  readonly action: string;
  readonly required: boolean;
  readonly destructive: boolean;
}

/** Null when it was given up. */
export function ask(app: App, question: Question): Promise<string | null> {
  return openForm(app, {
    ...question,
    fields: [{ key: 'text', label: question.label, value: '', long: true, required: question.required }],
  }).then((values) => values?.['text'] ?? null);
}

export interface FormField {
  readonly key: string;
  readonly label: string;
  readonly value: string;
  readonly long: boolean;
  readonly required: boolean;
  readonly placeholder?: string;
}

export interface Form {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly destructive: boolean;
  readonly fields: readonly FormField[];
  /** What is wrong with the values, as a sentence; null when nothing is. */
  readonly problem?: (values: Readonly<Record<string, string>>) => string | null;
}

/** Null when it was given up. */
export function openForm(app: App, form: Form): Promise<Readonly<Record<string, string>> | null> {
  return new Promise((resolve) => {
    new FormModal(app, form, resolve).open();
  });
}

class FormModal extends Modal {
  private readonly form: Form;
  private readonly resolve: (values: Readonly<Record<string, string>> | null) => void;
  private readonly values: Record<string, string> = {};
  private isDone = false;
  private complaint: HTMLElement | null = null;

  constructor(app: App, form: Form, resolve: (values: Readonly<Record<string, string>> | null) => void) {
    super(app);
    this.form = form;
    this.resolve = resolve;
  }

  override onOpen(): void {
    const { form } = this;
    this.setTitle(form.title);
    for (const paragraph of form.text.split('\n').filter(Boolean)) this.contentEl.createEl('p', { text: paragraph });
    for (const [at, field] of form.fields.entries()) this.addField(field, at === 0);
    this.complaint = this.contentEl.createDiv({ cls: 'opus-form-problem', attr: { role: 'alert' } });
    new Setting(this.contentEl)
      .addButton((button) => {
        button.setButtonText('Cancel').onClick(() => {
          this.close();
        });
      })
      .addButton((button) => {
        button.setButtonText(form.action).onClick(() => {
          this.submit();
        });
        if (form.destructive) button.setDestructive();
        else button.setCta();
      });
    this.scope.register(['Mod'], 'Enter', () => {
      this.submit();
      return false;
    });
  }

  override onClose(): void {
    this.contentEl.empty();
    if (!this.isDone) this.resolve(null);
    this.isDone = true;
  }

  private addField(field: FormField, isFirst: boolean): void {
    this.values[field.key] = field.value;
    const setting = new Setting(this.contentEl).setName(field.label);
    const prepare = (text: TextComponent | TextAreaComponent): void => {
      text
        .setValue(field.value)
        .setPlaceholder(field.placeholder ?? '')
        .onChange((value) => {
          this.values[field.key] = value;
        });
      text.inputEl.setAttribute('aria-label', field.label);
      if (isFirst) text.inputEl.focus();
    };
    if (field.long) {
      setting.setClass('opus-form-long').addTextArea(prepare);
      return;
    }
    setting.addText((text) => {
      prepare(text);
      text.inputEl.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' || event.isComposing) return;
        event.preventDefault();
        this.submit();
      });
    });
  }

  private submit(): void {
    if (this.isDone) return;
    const missing = this.form.fields.find(({ key, required }) => required && (this.values[key] ?? '').trim() === '');
    const problem = missing ? `${missing.label}: this must not be empty.` : (this.form.problem?.(this.values) ?? null);
    if (problem !== null) {
      this.complaint?.setText(problem);
      return;
    }
    this.isDone = true;
    this.resolve(this.values);
    this.close();
  }
}
