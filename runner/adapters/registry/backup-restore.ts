import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * A restore must survive a kill between any two steps, and the log of a database must never meet another database:
 * SQLite would replay it there. So the copy is made under a name that is nothing yet, and renaming it to
 * `registry.db.restoring-STAMP` is the decision. While that file is there, whatever is in the place of the registry is the
 * old one; moving that aside and the copy into its place can be begun again at any point.
 */
const decided = 'registry.db.restoring-';
const undecided = 'registry.db.partial-';
const databases = ['registry.db', 'engine.db'];
/** The database itself goes first: nobody who looks meanwhile shall find it without its log. */
const companions = ['', '-wal', '-shm', '-journal'];

export function prepareRestore(dataFolder: string, source: string, stamp: string): void {
  for (const name of readdirSync(dataFolder)) {
    if (name.startsWith(undecided)) rmSync(join(dataFolder, name), { force: true });
  }
  const copy = join(dataFolder, `${undecided}${stamp}`);
  try {
    copyFileSync(source, copy, constants.COPYFILE_FICLONE);
    chmodSync(copy, 0o600);
    synchronize(copy);
    renameSync(copy, join(dataFolder, `${decided}${stamp}`));
    synchronize(dataFolder);
  } catch (thrown) {
    rmSync(copy, { force: true });
    throw thrown;
  }
}

/** Where the files went that were there before; null when no restore was decided. */
export function carryOutRestore(dataFolder: string): string[] | null {
  const prepared = existsSync(dataFolder)
    ? readdirSync(dataFolder).find((name) => name.startsWith(decided))
    : undefined;
  if (prepared === undefined) return null;
  const stamp = prepared.slice(decided.length);
  const moved: string[] = [];
  for (const database of databases) {
    const aside = freeName(dataFolder, `${database}.before-restore-${stamp}`, database);
    for (const companion of companions) {
      if (!existsSync(join(dataFolder, `${database}${companion}`))) continue;
      renameSync(join(dataFolder, `${database}${companion}`), join(dataFolder, `${aside}${companion}`));
      moved.push(join(dataFolder, `${aside}${companion}`));
    }
  }
  synchronize(dataFolder);
  renameSync(join(dataFolder, prepared), join(dataFolder, 'registry.db'));
  synchronize(dataFolder);
  return moved.sort();
}

/** The parts of one database go under one name, unless a part of that kind was moved there before. */
function freeName(dataFolder: string, wanted: string, database: string): string {
  const isTaken = (name: string): boolean =>
    companions.some(
      (companion) =>
        existsSync(join(dataFolder, `${database}${companion}`)) && existsSync(join(dataFolder, `${name}${companion}`)),
    );
  let name = wanted;
  for (let number = 2; isTaken(name); number += 1) name = `${wanted}-${number}`;
  return name;
}

/** To the disk itself. Some systems cannot open or sync a folder; a file is safe there all the same. */
export function synchronize(path: string): void {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, 'r');
    fsyncSync(descriptor);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'EISDIR' && code !== 'EPERM' && code !== 'EINVAL') throw thrown;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
