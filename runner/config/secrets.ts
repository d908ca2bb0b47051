import { OpusError } from '#shared/domain/errors.ts';
import { readFileSync } from 'node:fs';
import type { SecretReference } from '../core/configuration.ts';

/** `env:NAME` or `file:PATH`; null when the text is neither. */
export function parseSecretReference(text: string): SecretReference | null {
  const name = /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)?.[1];
  if (name) return { kind: 'env', name };
  const path = /^file:(\S.*)$/.exec(text)?.[1];
  return path ? { kind: 'file', path } : null;
}

/** Shapes of keys and tokens that vendors hand out. */
export function looksLikeSecret(text: string): boolean {
  return (
    /^(?:sk-|sk_live_|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|AIza|ya29\.|npm_[A-Za-z0-9]{30})/.test(text) ||
    /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)
  );
}

/** Read when it is used, so that a secret can be replaced without a restart. `use` says what for, in the error. */
export function resolveSecret(
  reference: SecretReference,
  use: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const value = reference.kind === 'env' ? environment[reference.name] : contentOf(reference.path);
  if (value !== undefined && value.trim() !== '') return value.trim();
  const where = reference.kind === 'env' ? `the environment variable ${reference.name}` : `the file ${reference.path}`;
  const hint =
    reference.kind === 'env'
      ? `Set it where opus is started: export ${reference.name}=…`
      : `Write the secret into that file, readable for you alone: chmod 600 ${reference.path}`;
  throw new OpusError('config.secret-missing', `The secret for ${use} is missing: ${where} is empty or not there.`, {
    hint,
  });
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
