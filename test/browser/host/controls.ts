import type { App } from './app.ts';
import { setIcon } from './icons.ts';
import { setTooltip } from './tooltip.ts';

export class BaseComponent {
  disabled = false;

  then(callback: (component: this) => unknown): this {
    callback(this);
    return this;
  }

  setDisabled(disabled: boolean): this {
    this.disabled = disabled;
    return this;
  }
}

export abstract class ValueComponent<Value> extends BaseComponent {
  $onChange: ((value: Value) => unknown) | null = null;

  onChange(callback: (value: Value) => unknown): this {
    this.$onChange = callback;
    return this;
  }

  abstract getValue(): Value;
  abstract setValue(value: Value): this;
}

type Field = HTMLInputElement | HTMLTextAreaElement;

export class AbstractTextComponent<Input extends Field> extends ValueComponent<string> {
  readonly inputEl: Input;

  constructor(input: Input) {
    super();
    this.inputEl = input;
    input.addEventListener('input', () => {
      this.onChanged();
    });
  }

  override setDisabled(disabled: boolean): this {
    this.inputEl.disabled = disabled;
    return super.setDisabled(disabled);
  }

  getValue(): string {
    return this.inputEl.value;
  }

  setValue(value: string): this {
    this.inputEl.value = value;
    return this;
  }

  setPlaceholder(placeholder: string): this {
    this.inputEl.placeholder = placeholder;
    return this;
  }

  onChanged(): void {
    this.$onChange?.(this.getValue());
  }
}

export class TextComponent extends AbstractTextComponent<HTMLInputElement> {
  constructor(container: HTMLElement) {
    super(container.createEl('input', { type: 'text' }));
  }
}

export class SearchComponent extends AbstractTextComponent<HTMLInputElement> {
  readonly clearButtonEl: HTMLElement;

  constructor(container: HTMLElement) {
    const box = container.createDiv('search-input-container');
    super(box.createEl('input', { type: 'search' }));
    this.clearButtonEl = box.createDiv('search-input-clear-button');
  }
}

export class TextAreaComponent extends AbstractTextComponent<HTMLTextAreaElement> {
  constructor(container: HTMLElement) {
    super(container.createEl('textarea'));
  }
}

export class SliderComponent extends ValueComponent<number> {
  readonly sliderEl: HTMLInputElement;

  constructor(container: HTMLElement) {
    super();
    this.sliderEl = container.createEl('input', { type: 'range', cls: 'slider' });
    this.sliderEl.addEventListener('input', () => this.$onChange?.(this.getValue()));
  }

  setLimits(min: number | null, max: number | null, step: number | 'any'): this {
    Object.assign(this.sliderEl, { min: String(min ?? ''), max: String(max ?? ''), step: String(step) });
    return this;
  }

  setInstant(_instant: boolean): this {
    return this;
  }

  setDynamicTooltip(): this {
    return this;
  }

  getValue(): number {
    return this.sliderEl.valueAsNumber;
  }

  setValue(value: number): this {
    this.sliderEl.valueAsNumber = value;
    return this;
  }
}

export class ToggleComponent extends ValueComponent<boolean> {
  readonly toggleEl: HTMLElement;
  readonly $box: HTMLInputElement;

  constructor(container: HTMLElement) {
    super();
    this.toggleEl = container.createDiv('checkbox-container');
    this.$box = this.toggleEl.createEl('input', { type: 'checkbox' });
    this.$box.addEventListener('change', () => {
      this.setValue(this.$box.checked);
      this.$onChange?.(this.$box.checked);
    });
  }

  override setDisabled(disabled: boolean): this {
    this.$box.disabled = disabled;
    return super.setDisabled(disabled);
  }

  getValue(): boolean {
    return this.$box.checked;
  }

  setValue(on: boolean): this {
    this.$box.checked = on;
    this.toggleEl.toggleClass('is-enabled', on);
    return this;
  }

  setTooltip(tooltip: string): this {
    setTooltip(this.toggleEl, tooltip);
    return this;
  }

  onClick(): void {
    this.$box.click();
  }
}

export class DropdownComponent extends ValueComponent<string> {
  readonly selectEl: HTMLSelectElement;

  constructor(container: HTMLElement) {
    super();
    this.selectEl = container.createEl('select', { cls: 'dropdown' });
    this.selectEl.addEventListener('change', () => this.$onChange?.(this.getValue()));
  }

  override setDisabled(disabled: boolean): this {
    this.selectEl.disabled = disabled;
    return super.setDisabled(disabled);
  }

  addOption(value: string, display: string): this {
    this.selectEl.createEl('option', { value, text: display });
    return this;
  }

  addOptions(options: Record<string, string>): this {
    for (const [value, display] of Object.entries(options)) this.addOption(value, display);
    return this;
  }

  getValue(): string {
    return this.selectEl.value;
  }

  setValue(value: string): this {
    this.selectEl.value = value;
    return this;
  }
}

export class ButtonComponent extends BaseComponent {
  readonly buttonEl: HTMLButtonElement;
  $handler: ((event: MouseEvent) => unknown) | null = null;

  constructor(container: HTMLElement) {
    super();
    this.buttonEl = container.createEl('button');
    this.buttonEl.addEventListener('click', (event) => void this.$handler?.(event));
  }

  override setDisabled(disabled: boolean): this {
    this.buttonEl.disabled = disabled;
    return super.setDisabled(disabled);
  }

  setCta(): this {
    return this.setClass('mod-cta');
  }

  removeCta(): this {
    this.buttonEl.removeClass('mod-cta');
    return this;
  }

  setWarning(): this {
    return this.setClass('mod-warning');
  }

  setDestructive(): this {
    return this.setClass('mod-destructive');
  }

  removeDestructive(): this {
    this.buttonEl.removeClass('mod-destructive');
    return this;
  }

  setTooltip(tooltip: string): this {
    setTooltip(this.buttonEl, tooltip);
    return this;
  }

  setButtonText(text: string): this {
    this.buttonEl.setText(text);
    return this;
  }

  setIcon(icon: string): this {
    setIcon(this.buttonEl, icon);
    return this;
  }

  setClass(name: string): this {
    this.buttonEl.addClass(name);
    return this;
  }

  onClick(handler: (event: MouseEvent) => unknown): this {
    this.$handler = handler;
    return this;
  }
}

export class ExtraButtonComponent extends BaseComponent {
  readonly extraSettingsEl: HTMLElement;
  $handler: (() => unknown) | null = null;

  constructor(container: HTMLElement) {
    super();
    this.extraSettingsEl = container.createDiv('clickable-icon extra-setting-button');
    this.extraSettingsEl.addEventListener('click', () => void this.$handler?.());
  }

  override setDisabled(disabled: boolean): this {
    this.extraSettingsEl.toggleClass('is-disabled', disabled);
    return super.setDisabled(disabled);
  }

  setTooltip(tooltip: string): this {
    setTooltip(this.extraSettingsEl, tooltip);
    return this;
  }

  setIcon(icon: string): this {
    setIcon(this.extraSettingsEl, icon);
    return this;
  }

  onClick(handler: () => unknown): this {
    this.$handler = handler;
    return this;
  }
}

/** Names a secret of the storage; its text is never shown. */
export class SecretComponent extends BaseComponent {
  readonly $select: HTMLSelectElement;

  constructor(app: App, container: HTMLElement) {
    super();
    this.$select = container.createEl('select', { cls: 'dropdown' });
    this.$select.createEl('option', { value: '', text: 'No secret' });
    for (const name of app.secretStorage.listSecrets()) this.$select.createEl('option', { value: name, text: name });
  }

  setValue(value: string): this {
    this.$select.value = value;
    return this;
  }

  onChange(callback: (value: string) => unknown): this {
    this.$select.addEventListener('change', () => callback(this.$select.value));
    return this;
  }
}
