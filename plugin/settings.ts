import type { SettingDefinitionItem } from 'obsidian';
import { PluginSettingTab } from 'obsidian';

export class OpusSettingTab extends PluginSettingTab {
  override getSettingDefinitions(): SettingDefinitionItem[] {
    return [
      {
        name: 'Runner',
        desc: 'No runner is connected yet. This version of the plugin cannot be paired; the command line does the work.',
      },
    ];
  }
}
