import { Notice, Plugin } from 'obsidian';
import { OpusSettingTab } from './settings.ts';

export default class OpusOrchestratorPlugin extends Plugin {
  override onload(): void {
    const status = this.addStatusBarItem();
    status.addClass('opus-orchestrator-status');
    status.setText('Opus: no runner');

    this.addCommand({
      id: 'show-runner',
      name: 'Show the runner',
      callback: () => {
        new Notice('No runner is connected yet. Start one from a terminal in the folder of opus.yml.');
      },
    });

    this.addSettingTab(new OpusSettingTab(this.app, this));
  }
}
