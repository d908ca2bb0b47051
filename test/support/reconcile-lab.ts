import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reconcile, type ReconcileOptions } from '../../runner/cli/vault-reconcile.ts';
import { fakeTerminal } from './fake-terminal.ts';
import type { VaultFolder } from './vault-folder.ts';

export const reconcilableNote = (id: string, body = 'Body\n', status = 'planned'): string =>
  `---\nid: ${id}\ntitle: ${id}\nstatus: ${status}\n---\n${body}`;
export const markedBody = 'A\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> x\nB\n';

/** What `opus vault reconcile --json` prints, as far as tests look at it. */
export interface Shown {
  readonly findings: readonly {
    readonly code: string;
    readonly path: string;
    readonly line: number | null;
    readonly settles: string;
    readonly choices: readonly string[];
    readonly job: string | null;
    readonly outcome: { readonly kind: string; readonly what: string } | null;
  }[];
  readonly settled: number;
  readonly left: number;
}

/** `opus vault reconcile` on the vault of a test, with its configuration beside it. */
export class ReconcileLab {
  private readonly files: VaultFolder;

  constructor(files: VaultFolder) {
    this.files = files;
  }

  configure(): string {
    const config = join(this.files.folder, 'opus.yml');
    writeFileSync(
      config,
      'vault: { path: ./vault }\nrepos:\n  app: { url: ./app.git, base: main, forge: local }\ndata: ./.opus\n',
    );
    return config;
  }

  async shown(options: ReconcileOptions = {}): Promise<Shown & { readonly exit: number }> {
    const terminal = fakeTerminal({ cwd: this.files.folder });
    const exit = await reconcile(terminal, { ...options, json: true, config: this.configure() });
    return { ...(JSON.parse(terminal.outLines.join('\n')) as Shown), exit };
  }

  async printed(options: ReconcileOptions = {}): Promise<{ readonly exit: number; readonly text: string }> {
    const terminal = fakeTerminal({ cwd: this.files.folder });
    this.configure();
    return { exit: await reconcile(terminal, options), text: terminal.outLines.join('\n') };
  }
}

/** Every file of the vault, `.trash` included, by its path. */
export function everythingIn(root: string): Record<string, string> {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  const plain = paths.filter((path) => statSync(join(root, path)).isFile());
  return Object.fromEntries(plain.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}
