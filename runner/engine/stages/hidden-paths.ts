import type { RunnerConfig } from '../../core/configuration.ts';

/** What no sandbox may show, whatever else would show it: the vault, the runner's data, local repositories, the configuration itself. */
export function hiddenPaths(config: RunnerConfig): string[] {
  const local = Object.values(config.repos)
    .map((repository) => repository.url)
    .filter((url) => url.startsWith('/'));
  return [config.vault.path, config.data, config.file, ...local];
}
