import type { GitCall, HostGit } from './host-git.ts';

const commitsKept = 256;

/** A commit's tree never changes: known of those made here, asked for of others. */
export class TreesOfCommits {
  readonly #git: HostGit;
  readonly #known = new Map<string, string>();

  constructor(git: HostGit) {
    this.#git = git;
  }

  know(commit: string, tree: string): void {
    this.#known.set(commit, tree);
    const [oldest] = this.#known.keys();
    if (this.#known.size > commitsKept && oldest !== undefined) this.#known.delete(oldest);
  }

  async of(commit: string, call: GitCall): Promise<string> {
    const known = this.#known.get(commit);
    if (known !== undefined) return known;
    const tree = (await this.#git.text('read the base', ['rev-parse', '--verify', `${commit}^{tree}`], call)).trim();
    this.know(commit, tree);
    return tree;
  }
}
