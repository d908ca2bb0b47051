import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Something that may hold a secret, and where it was found. */
export interface Finding {
  readonly place: string;
  readonly bytes: Buffer;
}

const fragment = 15;

/** What a secret looks like as it is, in parts of at least 15 characters, and in what it is commonly turned into. */
export function formsOf(secret: string): readonly Buffer[] {
  const bytes = Buffer.from(secret);
  const fragments = Array.from({ length: Math.floor((secret.length - fragment) / 4) + 1 }, (_, index) =>
    secret.slice(index * 4, index * 4 + fragment - 3),
  );
  // Whatever stands before it, one of these alignments is in the middle of the whole.
  const aligned = [0, 1, 2].flatMap((shift) =>
    (['base64', 'base64url'] as const).map((encoding) =>
      Buffer.concat([Buffer.alloc(shift), bytes])
        .toString(encoding)
        .slice(4, 32),
    ),
  );
  const hex = bytes.toString('hex');
  const texts = [
    ...fragments,
    ...aligned,
    ...[hex, hex.toUpperCase(), encodeURIComponent(secret), secret.split('').reverse().join('')],
  ];
  return [...new Set(texts)].map((text) => Buffer.from(text));
}

/** Where a secret stands, in any of its forms. */
export function placesOf(secret: string, findings: readonly Finding[]): string[] {
  const forms = formsOf(secret);
  return findings.filter(({ bytes }) => forms.some((form) => bytes.includes(form))).map(({ place }) => place);
}

export function textFinding(place: string, text: string): Finding {
  return { place, bytes: Buffer.from(text) };
}

/** Every file below a folder, and what is in archives. */
export function filesBelow(folder: string): Finding[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name): Finding[] => {
    const path = join(folder, name);
    if (!existsSync(path) || !statSync(path).isFile()) return [];
    const bytes = readFileSync(path);
    return [{ place: name, bytes: name.endsWith('.gz') ? gunzipSync(bytes) : bytes }];
  });
}

/** Every object of every Git folder below a folder: they are compressed, so that their files show nothing. */
export function gitObjectsBelow(folder: string): Finding[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const stores = names.filter((name) => name.endsWith('/objects') && existsSync(join(folder, name, '..', 'HEAD')));
  return stores.map((name) => ({
    place: `objects of ${name.replace(/\/objects$/, '')}`,
    bytes: execFileSync(
      'git',
      ['--git-dir', join(folder, name, '..'), 'cat-file', '--batch-all-objects', '--batch', '--unordered'],
      { maxBuffer: 64 * 1024 ** 2, stdio: ['ignore', 'pipe', 'ignore'] },
    ),
  }));
}

/** Arguments and environment of every process that descends from one, and of that one. */
export function processesBelow(root: number): Finding[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = /^\d+ \(.*\) \S (\d+) /s.exec(readProcess(name, 'stat').toString('latin1'))?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const descends = (pid: number): boolean =>
    pid === root || (parents.has(pid) && descends(parents.get(pid) ?? 0) && pid !== 0);
  return [...parents.keys()].filter(descends).flatMap((pid) => {
    const argv = readProcess(String(pid), 'cmdline');
    const name = `${pid === root ? 'the service' : 'child'} ${argv.toString('latin1').split('\0', 4).join(' ')}`;
    return [
      { place: `arguments of ${name}`, bytes: argv },
      { place: `environment of ${name}`, bytes: readProcess(String(pid), 'environ') },
    ];
  });
}

function readProcess(pid: string, file: string): Buffer {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch {
    return Buffer.alloc(0);
  }
}
