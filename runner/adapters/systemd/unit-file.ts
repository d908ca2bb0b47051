import { OpusError } from '#shared/domain/errors.ts';
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What is in the place of the unit. */
export interface InstalledUnit {
  /** It is not as it was written here: a person, or another program, changed or made it. */
  readonly isEdited: boolean;
  /** The configuration it was written for; null when it does not say. */
  readonly config: string | null;
}

const hashLine =
  /^# Written by `opus service install`\. Change it with `systemctl edit`, not here\. sha256:([0-9a-f]{64})\n/;
const configLine = /^# For (".*")$/m;

/** Two lines of comment before the text: by the first it is known later whether somebody changed what follows. */
export function stampedUnit(text: string, config: string): string {
  const stamped = `# For ${JSON.stringify(config)}\n${text}`;
  return `# Written by \`opus service install\`. Change it with \`systemctl edit\`, not here. sha256:${hashOf(stamped)}\n${stamped}`;
}

/** Null when there is none. */
export async function readInstalledUnit(file: string): Promise<InstalledUnit | null> {
  const entry = await lstat(file).catch(() => null);
  if (entry === null) return null;
  // A link is made by `systemctl mask` or `systemctl link`, never here.
  if (!entry.isFile()) return { isEdited: true, config: null };
  const whole = await readFile(file, 'utf8');
  const stamp = hashLine.exec(whole);
  const text = whole.slice(stamp?.[0].length ?? 0);
  return { isEdited: stamp?.[1] !== hashOf(text), config: configIn(text) };
}

/** Beside the target and renamed, durably: systemd never reads half of it. */
export async function writeUnit(file: string, text: string): Promise<void> {
  const temporary = join(dirname(file), `.opus-${randomUUID()}.tmp`);
  try {
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(text);
      // The umask may have taken what systemd's other readers need.
      await handle.chmod(0o644);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    throw notDone('write', file, error);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Keeps what a person wrote under a name that systemd does not read. The name it has now, or null for what is no file. */
export async function keepEditedUnit(file: string): Promise<string | null> {
  if (!(await lstat(file)).isFile()) return null;
  for (let number = 1; ; number += 1) {
    const kept = `${file}.saved-${number}`;
    try {
      await copyFile(file, kept, constants.COPYFILE_EXCL);
      return kept;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw notDone('copy', file, error);
    }
  }
}

export async function removeUnit(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
  } catch (error) {
    throw notDone('remove', file, error);
  }
}

function notDone(what: string, file: string, error: unknown): OpusError {
  return new OpusError('service.failed', `Could not ${what} ${file}: ${(error as Error).message}`, {
    hint: 'See who may write in its folder; a service of the whole machine takes root.',
    cause: error,
  });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function configIn(text: string): string | null {
  const written = configLine.exec(text)?.[1];
  if (written === undefined) return null;
  try {
    const config: unknown = JSON.parse(written);
    return typeof config === 'string' ? config : null;
  } catch {
    return null;
  }
}
