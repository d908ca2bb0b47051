import type { SettingControl, SettingDefinition, SettingDefinitionItem } from 'obsidian';
import type { App } from './app.ts';
import type { Plugin } from './plugin.ts';
import type { Setting } from './setting.ts';
import { SettingGroup } from './setting.ts';
import { Modal } from './modal.ts';
import { refuse } from './strict.ts';

export abstract class SettingTab {
  icon = '';
  readonly app: App;
  readonly containerEl = createDiv('vertical-tab-content');
  settingItems: SettingDefinitionItem[] = [];
  $cleanups: (() => void)[] = [];
  $refreshes: (() => void)[] = [];

  constructor(app: App) {
    this.app = app;
  }

  getSettingDefinitions(): SettingDefinitionItem[] {
    return [];
  }

  getControlValue(_key: string): unknown {
    return undefined;
  }

  setControlValue(_key: string, _value: unknown): void | Promise<void> {
    return undefined;
  }

  update(): void {
    this.settingItems = this.getSettingDefinitions();
    if (this.containerEl.isConnected) this.display();
  }

  refreshDomState(): void {
    for (const refresh of this.$refreshes) refresh();
  }

  display(): void {
    this.hide();
    this.containerEl.empty();
    this.$render(this.settingItems, this.containerEl);
    this.refreshDomState();
  }

  hide(): void {
    for (const cleanup of this.$cleanups.splice(0)) cleanup();
    this.$refreshes = [];
  }

  $render(items: readonly SettingDefinitionItem[], container: HTMLElement): void {
    let loose: SettingGroup | null = null;
    for (const [index, item] of items.entries()) {
      if (!('type' in item)) {
        loose ??= new SettingGroup(container);
        this.$row(item, loose, index);
        continue;
      }
      loose = null;
      const group = new SettingGroup(container);
      if (item.type === 'page') {
        group.setHeading(item.name);
        this.$render(item.items ?? [], group.listEl);
        continue;
      }
      if (item.heading !== undefined) group.setHeading(item.heading);
      if (item.cls !== undefined) group.addClass(item.cls);
      for (const [at, each] of (item.items ?? []).entries())
        if ('type' in each) refuse('The stand-in has no pages inside groups of settings.');
        else this.$row(each, group, at);
      const { visible } = item;
      this.$refreshes.push(() => {
        group.$element.toggle(holds(visible, true));
      });
    }
  }

  $row(item: SettingDefinition, group: SettingGroup, index: number): void {
    group.addSetting((setting) => {
      setting.setName(item.name);
      if (item.desc !== undefined) setting.setDesc(item.desc);
      if (item.render) {
        const cleanup = item.render(setting as never, group as never);
        if (cleanup) this.$cleanups.push(cleanup);
      } else if (item.control) {
        this.$control(setting, item.control);
        setting.controlEl.querySelector('input, textarea, select')?.setAttribute('aria-label', item.name);
      }
      if (item.action) {
        const { action } = item;
        setting.settingEl.addClass('mod-clickable');
        setting.settingEl.tabIndex = 0;
        setting.settingEl.setAttribute('role', 'button');
        setting.settingEl.addEventListener('click', () => {
          action(setting.settingEl, index);
        });
        setting.settingEl.addEventListener('keydown', ({ key }) => {
          if (key === 'Enter') action(setting.settingEl, index);
        });
      }
      const { visible } = item;
      const disabled = item.control ? item.control.disabled : 'disabled' in item ? item.disabled : false;
      this.$refreshes.push(() => {
        setting.settingEl.toggle(holds(visible, true));
        setting.setDisabled(holds(disabled, false));
      });
    });
  }

  $control(setting: Setting, control: SettingControl): void {
    const { key } = control;
    const value = this.getControlValue(key) ?? control.defaultValue;
    const save = async (next: unknown): Promise<void> => {
      const complaint = await (control.validate as ((value: unknown) => unknown) | undefined)?.(next);
      setting.setErrorMessage(typeof complaint === 'string' && complaint !== '' ? complaint : null);
      if (typeof complaint === 'string' && complaint !== '') return;
      await this.setControlValue(key, next);
      this.refreshDomState();
    };
    const onChange = (next: unknown): void => void save(next);
    switch (control.type) {
      case 'toggle':
        setting.addToggle((toggle) => toggle.setValue(value === true).onChange(onChange));
        return;
      case 'dropdown':
        setting.addDropdown((dropdown) =>
          dropdown.addOptions(control.options).setValue(asText(value)).onChange(onChange),
        );
        return;
      case 'textarea':
        setting.addTextArea((area) =>
          area
            .setPlaceholder(control.placeholder ?? '')
            .setValue(asText(value))
            .onChange(onChange),
        );
        return;
      case 'slider':
        setting.addSlider((slider) =>
          slider.setLimits(control.min, control.max, control.step).setValue(Number(value)).onChange(onChange),
        );
        return;
      case 'text':
      case 'file':
      case 'folder':
      case 'number':
        setting.addText((text) => {
          text.inputEl.type = control.type === 'number' ? 'number' : 'text';
          text.setPlaceholder(control.placeholder ?? '').setValue(asText(value));
          text.onChange((next) => {
            onChange(control.type === 'number' ? Number(next) : next);
          });
        });
        return;
      case 'color':
        refuse('The stand-in has no colors in settings.');
    }
  }
}

function holds(condition: boolean | (() => boolean) | undefined, otherwise: boolean): boolean {
  return typeof condition === 'function' ? condition() : (condition ?? otherwise);
}

function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export abstract class PluginSettingTab extends SettingTab {
  readonly $plugin: Plugin;

  constructor(app: App, plugin: Plugin) {
    super(app);
    this.$plugin = plugin;
  }

  override getControlValue(key: string): unknown {
    return (this.$plugin.settings as Record<string, unknown> | undefined)?.[key];
  }

  override async setControlValue(key: string, value: unknown): Promise<void> {
    const settings = (this.$plugin.settings ??= {}) as Record<string, unknown>;
    settings[key] = value;
    await this.$plugin.saveData(settings);
  }
}

/** The settings of Obsidian, with what plugins added. */
export class SettingsModal extends Modal {
  readonly $tabs: readonly { readonly name: string; readonly tab: SettingTab }[];

  constructor(app: App, tabs: readonly { readonly name: string; readonly tab: SettingTab }[]) {
    super(app);
    this.$tabs = tabs;
    this.modalEl.addClass('mod-settings');
    this.setTitle('Settings');
  }

  override onOpen(): void {
    const names = this.contentEl.createDiv('vertical-tab-header');
    const content = this.contentEl.createDiv('vertical-tab-content-container');
    for (const { name, tab } of this.$tabs) {
      const item = names.createEl('button', { cls: 'vertical-tab-nav-item', text: name });
      item.addEventListener('click', () => {
        for (const other of this.$tabs) other.tab.hide();
        content.replaceChildren(tab.containerEl);
        tab.update();
      });
    }
    names.querySelector('button')?.click();
  }

  override onClose(): void {
    for (const { tab } of this.$tabs) {
      tab.hide();
      tab.containerEl.remove();
    }
  }
}
