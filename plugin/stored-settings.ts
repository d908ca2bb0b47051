import type { Plugin } from 'obsidian';

/** What is kept in data.json and may be synced to other devices: nothing here names a runner or opens one. */
export interface Settings {
  readonly featureFolder: string;
  readonly newNoteFolder: string;
  readonly template: string;
  readonly boardMode: 'board' | 'table';
  readonly noticeDecisions: boolean;
  readonly noticeFailures: boolean;
  readonly noticeDeadRunner: boolean;
  readonly noticeFinished: boolean;
}

export const defaultSettings: Settings = {
  featureFolder: '10_features',
  newNoteFolder: '10_features/01_ideas',
  template: '00_system/opus/templates/feature-request.md',
  boardMode: 'board',
  noticeDecisions: true,
  noticeFailures: true,
  noticeDeadRunner: true,
  noticeFinished: true,
};

export interface SettingsStore {
  readonly current: () => Settings;
  /** Reads data.json, again after somebody else wrote it. */
  load(): Promise<void>;
  /** Writes data.json only where the value is another one. */
  set(key: string, value: unknown): Promise<void>;
  onChange(listener: () => void): () => void;
}

export function createSettingsStore(file: Pick<Plugin, 'loadData' | 'saveData'>): SettingsStore {
  let settings = defaultSettings;
  /** What a newer version keeps there stays there. */
  let kept: Readonly<Record<string, unknown>> = {};
  let loading: Promise<void> | null = null;
  const listeners = new Set<() => void>();

  const take = (next: Settings): void => {
    if (JSON.stringify(next) === JSON.stringify(settings)) return;
    settings = next;
    for (const listener of listeners) listener();
  };
  const load = async (): Promise<void> => {
    const data: unknown = await file.loadData();
    kept = typeof data === 'object' && data !== null ? { ...data } : {};
    take(settingsFrom(kept));
  };
  return {
    current: () => settings,
    load() {
      loading = load();
      return loading;
    },
    async set(key, value) {
      await (loading ??= load());
      if (!isSettingKey(key)) return;
      const next = settingsFrom({ ...settings, [key]: cleaned(value) });
      if (next[key] === settings[key]) return;
      const written: Record<string, unknown> = { ...kept, [key]: next[key] };
      kept = written;
      take(next);
      await file.saveData(written);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function isSettingKey(key: string): key is keyof Settings {
  return Object.hasOwn(defaultSettings, key);
}

/** A value of another type than it should be was written by somebody else and counts for nothing. */
function settingsFrom(data: Readonly<Record<string, unknown>>): Settings {
  const known = Object.entries(defaultSettings).map(([key, usual]) => {
    const value = data[key];
    return [key, typeof value === typeof usual ? value : (usual as unknown)] as const;
  });
  const settings = Object.fromEntries(known) as unknown as Settings;
  return settings.boardMode === 'table' ? settings : { ...settings, boardMode: 'board' };
}

function cleaned(value: unknown): unknown {
  return typeof value === 'string' ? value.trim().replace(/^\/+|\/+$/g, '') : value;
}
