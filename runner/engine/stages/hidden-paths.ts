import type { RunnerConfig } from '../../core/configuration.ts';

/** What no sandbox may show, whatever else would show it: the vault, the runner's data, local repositories, the configuration itself, files with secrets. */
export function hiddenPaths(config: RunnerConfig): string[] {
  const local = Object.values(config.repos)
    .map((repository) => repository.url)
    .filter((url) => url.startsWith('/'));
  return [config.vault.path, config.data, config.file, ...local, ...secretFiles(config)];
}

function secretFiles(config: RunnerConfig): string[] {
  const { tls } = config.server;
  const credentials = Object.values(config.repos).flatMap(({ github }) => github?.credentials ?? []);
  const references = [
    ...Object.values(config.models).map(({ key }) => key),
    ...Object.values(config.notify).flatMap(({ url, token }) => [url, token]),
    ...credentials.map((given) => (given.kind === 'token' ? given.token : given.key)),
    config.engine.kind === 'postgres' ? config.engine.url : null,
  ];
  const files = references.flatMap((reference) => (reference?.kind === 'file' ? [reference.path] : []));
  return tls === null ? files : [...files, tls.key];
}
