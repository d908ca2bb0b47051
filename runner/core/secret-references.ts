import type { RunnerConfig, SecretReference } from './configuration.ts';

/** Every secret that opus.yml names, by where it is. */
export function secretReferences(config: RunnerConfig): SecretReference[] {
  const credentials = Object.values(config.repos).flatMap(({ github }) => github?.credentials ?? []);
  const references = [
    ...Object.values(config.models).map(({ key }) => key),
    ...Object.values(config.notify).flatMap(({ url, token }) => [url, token]),
    ...credentials.map((given) => (given.kind === 'token' ? given.token : given.key)),
    config.engine.kind === 'postgres' ? config.engine.url : null,
  ];
  return references.flatMap((reference) => (reference === null || reference.kind === 'plain' ? [] : [reference]));
}
