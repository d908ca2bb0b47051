import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { packageVersion } from '../config/package-root.ts';

/** Kept in the data folder: the text that was last checked and found valid, so that `opus status` need not check it again. */
const recordName = 'accepted-config.json';

/** As much of a configuration as `opus status` shows. */
export interface AcceptedConfig {
  readonly data: string;
  readonly sandbox: 'required' | 'preferred' | 'off';
}

interface Acceptance extends AcceptedConfig {
  readonly version: string;
  readonly file: string;
  readonly text: string;
}

/** Loads a configuration, and keeps that its text is valid where there is a data folder already. */
export function rememberAccepted<Config extends AcceptedConfig>(file: string, load: () => Config): Config {
  const text = textOf(file);
  const config = load();
  const { data, sandbox } = config;
  const acceptance: Acceptance = { version: packageVersion(), file, data, sandbox, text };
  const record = JSON.stringify(acceptance);
  const kept = join(data, recordName);
  // Read twice, since it may be changed while it is checked.
  if (textOf(file) !== text || !existsSync(data) || textOf(kept) === record) return config;
  try {
    writeFileSync(kept, record, { mode: 0o600 });
  } catch {
    // It is only a shortcut: a folder that cannot be written costs the check each time.
  }
  return config;
}

/** What was found in this very text when it was checked; null when it was not. */
export function acceptedConfig(file: string): AcceptedConfig | null {
  const text = textOf(file);
  const [found, another] = dataFolders(text);
  if (found === undefined || another !== undefined) return null;
  const kept = keptIn(resolve(dirname(file), found), file);
  return kept?.text === text && kept.version === packageVersion() ? kept : null;
}

/** What was found in the file when it was last valid, for a look at a service that goes on with that; null when nobody knows. */
export function lastAcceptedConfig(file: string): AcceptedConfig | null {
  const folders = [...dataFolders(textOf(file)), './.opus'];
  return folders.map((folder) => keptIn(resolve(dirname(file), folder), file)).find((kept) => kept !== null) ?? null;
}

function dataFolders(text: string): string[] {
  return [...text.matchAll(/^data:[ \t]+([\w./-]+)[ \t]*(?:#.*)?\r?$/gm)].map(([, folder = '']) => folder);
}

function keptIn(data: string, file: string): Acceptance | null {
  try {
    const kept = JSON.parse(textOf(join(data, recordName))) as Acceptance;
    return kept.file === file && kept.data === data ? kept : null;
  } catch {
    return null;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
