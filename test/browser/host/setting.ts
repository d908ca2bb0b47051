import type { BaseComponent } from './controls.ts';
import {
  ButtonComponent,
  DropdownComponent,
  ExtraButtonComponent,
  SearchComponent,
  SliderComponent,
  TextAreaComponent,
  TextComponent,
  ToggleComponent,
} from './controls.ts';
import { setTooltip } from './tooltip.ts';

export class Setting {
  readonly settingEl: HTMLElement;
  readonly infoEl: HTMLElement;
  readonly nameEl: HTMLElement;
  readonly descEl: HTMLElement;
  readonly controlEl: HTMLElement;
  components: BaseComponent[] = [];
  errorEl: HTMLElement | null = null;

  constructor(container: HTMLElement) {
    this.settingEl = container.createDiv('setting-item');
    this.infoEl = this.settingEl.createDiv('setting-item-info');
    this.nameEl = this.infoEl.createDiv('setting-item-name');
    this.descEl = this.infoEl.createDiv('setting-item-description');
    this.controlEl = this.settingEl.createDiv('setting-item-control');
  }

  setName(name: string | DocumentFragment): this {
    this.nameEl.setText(name);
    return this;
  }

  setDesc(description: string | DocumentFragment): this {
    this.descEl.setText(description);
    return this;
  }

  setClass(name: string): this {
    this.settingEl.addClass(name);
    return this;
  }

  setTooltip(tooltip: string): this {
    setTooltip(this.nameEl, tooltip);
    return this;
  }

  setHeading(): this {
    return this.setClass('setting-item-heading');
  }

  setDisabled(disabled: boolean): this {
    this.settingEl.toggleClass('is-disabled', disabled);
    for (const component of this.components) component.setDisabled(disabled);
    return this;
  }

  setErrorMessage(message: string | null): this {
    this.errorEl?.remove();
    this.errorEl = message === null ? null : this.infoEl.createDiv({ cls: 'setting-item-error', text: message });
    return this;
  }

  addButton(callback: (component: ButtonComponent) => unknown): this {
    return this.$add(new ButtonComponent(this.controlEl), callback);
  }

  addExtraButton(callback: (component: ExtraButtonComponent) => unknown): this {
    return this.$add(new ExtraButtonComponent(this.controlEl), callback);
  }

  addToggle(callback: (component: ToggleComponent) => unknown): this {
    return this.$add(new ToggleComponent(this.controlEl), callback);
  }

  addText(callback: (component: TextComponent) => unknown): this {
    return this.$add(new TextComponent(this.controlEl), callback);
  }

  addSearch(callback: (component: SearchComponent) => unknown): this {
    return this.$add(new SearchComponent(this.controlEl), callback);
  }

  addTextArea(callback: (component: TextAreaComponent) => unknown): this {
    return this.$add(new TextAreaComponent(this.controlEl), callback);
  }

  addDropdown(callback: (component: DropdownComponent) => unknown): this {
    return this.$add(new DropdownComponent(this.controlEl), callback);
  }

  addSlider(callback: (component: SliderComponent) => unknown): this {
    return this.$add(new SliderComponent(this.controlEl), callback);
  }

  addComponent(callback: (element: HTMLElement) => BaseComponent): this {
    return this.$add(callback(this.controlEl), () => undefined);
  }

  then(callback: (setting: this) => unknown): this {
    callback(this);
    return this;
  }

  clear(): this {
    this.controlEl.empty();
    this.components = [];
    return this;
  }

  $add<Component extends BaseComponent>(component: Component, callback: (component: Component) => unknown): this {
    this.components.push(component);
    callback(component);
    return this;
  }
}

export class SettingGroup {
  readonly listEl: HTMLElement;
  readonly $element: HTMLElement;

  constructor(container: HTMLElement) {
    this.$element = container.createDiv('setting-group');
    this.listEl = this.$element.createDiv('setting-items');
  }

  setHeading(text: string | DocumentFragment): this {
    const heading = createDiv('setting-item setting-item-heading');
    heading.createDiv({ cls: 'setting-item-name', text });
    this.$element.prepend(heading);
    return this;
  }

  addClass(...classes: string[]): this {
    this.$element.addClass(...classes);
    return this;
  }

  addSetting(callback: (setting: Setting) => void): this {
    callback(new Setting(this.listEl));
    return this;
  }
}
