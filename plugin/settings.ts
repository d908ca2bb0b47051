import { Notice, PluginSettingTab, type Plugin, type SettingDefinitionItem } from 'obsidian';
import type { PairingActions } from './connection/pairing.ts';
import type { PairingStore, TokenPlace } from './connection/pairing-store.ts';
import type { RunnerState } from '../shared/view-model/runner-state.ts';
import type { RunnerConnection } from './connection/runner-connection.ts';
import { defaultSettings, isSettingKey, type SettingsStore } from './stored-settings.ts';

export interface SettingTabOptions {
  readonly plugin: Plugin;
  readonly settings: SettingsStore;
  readonly pairings: PairingStore;
  readonly pairing: PairingActions;
  readonly connection: Pick<RunnerConnection, 'state' | 'onChange'>;
}

export class OpusSettingTab extends PluginSettingTab {
  override icon = 'workflow';
  private readonly options: SettingTabOptions;

  constructor(options: SettingTabOptions) {
    super(options.plugin.app, options.plugin);
    this.options = options;
  }

  override getControlValue(key: string): unknown {
    const { settings, pairings } = this.options;
    if (key === 'deviceName') return pairings.deviceName();
    return isSettingKey(key) ? settings.current()[key] : undefined;
  }

  override async setControlValue(key: string, value: unknown): Promise<void> {
    const { settings, pairings } = this.options;
    if (key === 'deviceName') pairings.setDeviceName(typeof value === 'string' ? value : '');
    else await settings.set(key, value);
  }

  override getSettingDefinitions(): SettingDefinitionItem[] {
    return [this.runnerGroup(), pathGroup, noticeGroup, viewGroup];
  }

  private runnerGroup(): SettingDefinitionItem {
    const { pairings, pairing } = this.options;
    const current = pairings.load();
    const isPaired = (): boolean => pairings.load() !== null;
    return {
      type: 'group',
      heading: 'Runner',
      items: [
        {
          name: 'Connection',
          desc: this.connectionSentence(),
          aliases: ['address', 'token', 'pair'],
          render: (setting) => {
            setting.addButton((button) =>
              button.setButtonText(current ? 'Pair again' : 'Pair').onClick(() => void pairing.pairByForm()),
            );
            if (!current) return;
            setting.addButton((button) =>
              button
                .setButtonText('Unpair')
                .setDestructive()
                .onClick(() => void pairing.unpair()),
            );
            return this.options.connection.onChange(() => {
              setting.setDesc(this.connectionSentence());
            });
          },
        },
        {
          name: 'Address',
          desc: current?.address ?? '',
          visible: isPaired,
          render: (setting) => {
            setting.addButton((button) => button.setButtonText('Change').onClick(() => void pairing.changeAddress()));
          },
        },
        {
          name: 'Test connection',
          desc: 'Asks the runner whether it is there and would start jobs.',
          visible: isPaired,
          render: (setting) => {
            setting.addButton((button) =>
              button.setButtonText('Test').onClick(async () => {
                button.setDisabled(true);
                const result = await pairing.test();
                setting.setDesc(result);
                new Notice(result, 8_000);
                button.setDisabled(false);
              }),
            );
          },
        },
        {
          name: 'Name of this device',
          desc: 'Told to the runner when this device is paired, and kept with each decision made here.',
          control: { type: 'text', key: 'deviceName' },
        },
      ],
    };
  }

  private connectionSentence(): string {
    const { pairings, connection } = this.options;
    return pairings.load()
      ? `${standing(connection.state())} ${placeSentences[pairings.place() ?? 'session']}`
      : 'Not paired. Run opus pair on the runner’s machine and open the link it prints, or paste it here.';
  }
}

function standing({ connection, hello }: RunnerState): string {
  if (connection.kind === 'refused') return connection.sentence;
  if (connection.kind !== 'connected' || !hello) return 'Paired, but not connected at the moment.';
  return `Connected to ${hello.runnerName} as ${hello.person} (${hello.role}).`;
}

const placeSentences: Readonly<Record<TokenPlace, string>> = {
  secret: 'The token is in the secret storage of this device; other plugins of this vault can read it.',
  device:
    'The token is kept unencrypted in the app’s own storage on this device, since the secret storage keeps nothing.',
  session: 'The token is forgotten when the app is closed, since the secret storage keeps nothing.',
};

const pathGroup: SettingDefinitionItem = {
  type: 'group',
  heading: 'Folders',
  items: [
    {
      name: 'Feature requests',
      desc: 'Where notes are looked at before they are dispatched. The runner’s own folder is named in its policy note.',
      control: { type: 'folder', key: 'featureFolder', placeholder: defaultSettings.featureFolder },
    },
    {
      name: 'New feature requests',
      desc: 'Where a new FR is created.',
      control: { type: 'folder', key: 'newNoteFolder', placeholder: defaultSettings.newNoteFolder },
    },
    {
      name: 'Template',
      desc: 'What a new FR begins with. {{id}}, {{title}} and {{date}} are filled in. Without such a note a short one is used.',
      control: { type: 'text', key: 'template', placeholder: defaultSettings.template },
    },
  ],
};

const noticeGroup: SettingDefinitionItem = {
  type: 'group',
  heading: 'Notices',
  items: [
    { name: 'A decision is asked for', control: { type: 'toggle', key: 'noticeDecisions' } },
    { name: 'A job failed or needs a person', control: { type: 'toggle', key: 'noticeFailures' } },
    { name: 'The runner is not there', control: { type: 'toggle', key: 'noticeDeadRunner' } },
    { name: 'A job is finished', control: { type: 'toggle', key: 'noticeFinished' } },
  ],
};

const viewGroup: SettingDefinitionItem = {
  type: 'group',
  heading: 'Views',
  items: [
    {
      name: 'Board shows',
      desc: 'How the board opens.',
      control: { type: 'dropdown', key: 'boardMode', options: { board: 'Columns by status', table: 'Table' } },
    },
  ],
};
