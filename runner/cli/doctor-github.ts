import { toOpusError } from '#shared/domain/errors.ts';
import { createGithub, type Github } from '../adapters/forge-github/create-github.ts';
import { packageVersion } from '../config/package-root.ts';
import { resolveSecret } from '../config/secrets.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import { fine, missing, warning, type Check } from './doctor-check.ts';
import type { Terminal } from './terminal.ts';

const timeoutMs = 20_000;

/** GitHub as the commands that only look ask it. */
export function githubOf(terminal: Terminal, config: RunnerConfig): Github {
  return createGithub({
    settingsOf: (name) => {
      const repository = config.repos[name];
      return repository?.forge === 'github' ? repository.github : null;
    },
    resolveSecret: (reference, use) => resolveSecret(reference, use, terminal.environment),
    clock: { now: () => Date.now() },
    userAgent: `opus-orchestrator/${packageVersion()}`,
    timeoutMs,
  });
}

/** What the credentials of a repository on GitHub may do, and what follows from how it is set up. */
export async function githubChecks(github: Github, config: RunnerConfig, name: string): Promise<Check[]> {
  const repository = config.repos[name];
  if (repository?.forge !== 'github') return [];
  const title = `repos.${name}.github`;
  try {
    const findings = await github.check({ name, url: repository.url, base: repository.base });
    return findings.map(({ ok, isNeeded, what, why, fix }) => {
      const detail = `${what} (${why})`;
      if (ok) return fine(title, detail);
      return isNeeded ? missing(title, detail, fix ?? '') : warning(title, detail, fix ?? '');
    });
  } catch (thrown) {
    const error = toOpusError(thrown);
    return [missing(title, error.message, error.hint ?? 'Look at docs/github.md.')];
  }
}
