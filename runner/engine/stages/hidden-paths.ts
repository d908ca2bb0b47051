import type { RunnerConfig } from '../../core/configuration.ts';
import { secretReferences } from '../../core/secret-references.ts';

/** What no sandbox may show, whatever else would show it: the vault, the runner's data, local repositories, the configuration itself, files with secrets. */
export function hiddenPaths(config: RunnerConfig): string[] {
  const local = Object.values(config.repos)
    .map((repository) => repository.url)
    .filter((url) => url.startsWith('/'));
  return [config.vault.path, config.data, config.file, ...local, ...secretFiles(config)];
}

function secretFiles(config: RunnerConfig): string[] {
  const { tls } = config.server;
  const files = secretReferences(config).flatMap((reference) => (reference.kind === 'file' ? [reference.path] : []));
  return tls === null ? files : [...files, tls.key];
}
