import { parseDuration } from '#shared/domain/duration.ts';
import * as z from 'zod/mini';
import type { SecretReference } from '../core/configuration.ts';
import { looksLikeSecret, parseSecretReference } from './secrets.ts';

/** The kinds of value that both files are made of. Each says in its `examples` what to write. */

export const duration = z.pipe(
  z.string().check(
    z.refine((text) => parseDuration(text) !== null, { error: 'must be a duration with a unit' }),
    z.meta({ description: 'A duration: ms, s, m, h or d.', examples: ['30s', '5m', '1h 30m'] }),
  ),
  z.transform((text) => parseDuration(text) ?? 0),
);

const sizeUnits: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

function parseSize(text: string): number | null {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)\s*([KMGT])(?:i?B)?$/.exec(text.trim());
  const unit = sizeUnits[match?.[2] ?? ''];
  return match?.[1] && unit ? Math.round(Number(match[1]) * unit) : null;
}

export const size = z.pipe(
  z.string().check(
    z.refine((text) => (parseSize(text) ?? 0) > 0, { error: 'must be a size with a unit: K, M, G or T' }),
    z.meta({ description: 'A size: K, M, G or T.', examples: ['4G', '512M'] }),
  ),
  z.transform((text) => parseSize(text) ?? 0),
);

function parseCount(value: string | number): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? value : null;
  const match = /^(\d{1,6}(?:\.\d{1,3})?)\s*([kM])$/.exec(value.trim());
  return match ? Math.round(Number(match[1]) * (match[2] === 'k' ? 1_000 : 1_000_000)) || null : null;
}

export const tokenCount = z.pipe(
  z.union([z.number(), z.string()], { error: 'must be a number of tokens' }).check(
    z.refine((value) => parseCount(value) !== null, { error: 'must be a number of tokens' }),
    z.meta({ description: 'A number of tokens; k and M are thousands and millions.', examples: ['5M', '800000'] }),
  ),
  z.transform((value) => parseCount(value) ?? 0),
);

function parseMoney(value: string | number): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : null;
  const match = /^(\d{1,9}(?:\.\d{1,4})?)\s*(?:USD)?$/.exec(value.trim());
  return match ? Number(match[1]) : null;
}

export const money = z.pipe(
  z.union([z.number(), z.string()], { error: 'must be an amount in US dollars' }).check(
    z.refine((value) => parseMoney(value) !== null, { error: 'must be an amount in US dollars' }),
    z.meta({ description: 'US dollars.', examples: ['5 USD'] }),
  ),
  z.transform((value) => parseMoney(value) ?? 0),
);

/** Runs without a shell unless it needs one; it runs in the sandbox either way. */
export const command = z.pipe(
  z.union([z.string(), z.array(z.string())], { error: 'must be a command: a text or a list of arguments' }).check(
    z.refine((value) => toArgv(value) !== null, { error: 'must be a command, with every quote closed' }),
    z.meta({ description: 'A command line, or its arguments as a list.', examples: ['npm test'] }),
  ),
  z.transform((value) => toArgv(value) ?? []),
);

/** An assignment before the command, or what is no program but a word of the shell. */
const needsShell = /^(?:\w+=.*|[.:]|cd|eval|exec|exit|export|set|source|ulimit|umask)$/;

function toArgv(value: string | readonly string[]): readonly string[] | null {
  if (typeof value !== 'string') return value.length > 0 && value[0] !== '' ? value : null;
  const words: string[] = [];
  const word = /\s*(?:"([^"\\$`]*)"|'([^']*)'|([^\s"'\\|&;<>()$`*?[\]#~{}!]+))(?=\s|$)/y;
  const text = value.trim();
  while (word.lastIndex < text.length) {
    const match = word.exec(text);
    if (!match) return quotesAreClosed(text) ? ['sh', '-c', text] : null;
    words.push(match[1] ?? match[2] ?? match[3] ?? '');
  }
  const [program] = words;
  if (program === undefined) return null;
  return needsShell.test(program) ? ['sh', '-c', text] : words;
}

function quotesAreClosed(text: string): boolean {
  return !/["']/.test(text.replace(/\\.|"(?:\\.|[^"\\])*"|'[^']*'/gs, ''));
}

export const secret = z.pipe(
  z.string().check(
    z.refine((text) => parseSecretReference(text) !== null, {
      error: 'must name where the secret is; a secret itself never stands in this file',
    }),
    z.meta({ description: 'Where a secret is.', examples: ['env:NAME', 'file:~/.config/opus/secret'] }),
  ),
  z.transform((text): SecretReference => parseSecretReference(text) ?? { kind: 'env', name: '' }),
);

export const environmentValue = z.string().check(
  z.refine((text) => !looksLikeSecret(text), {
    error: 'looks like a secret, and the code of the repository can read it',
  }),
  z.meta({ examples: ['"1"'] }),
);

export const text = (example: string): z.ZodMiniString =>
  z.string().check(z.minLength(1), z.meta({ examples: [example] }));

/** `host`, `*.host` or `host:port`, for the allow-list proxy. */
export const host = z.string().check(
  z.regex(/^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/, {
    error: 'must be a host name, without https:// and without a path',
  }),
  z.meta({ examples: ['packages.example.org'] }),
);

export const webAddress = z.string().check(
  z.refine((value) => /^https?:\/\/[^\s/]+/.test(value) && URL.canParse(value), { error: 'must be a web address' }),
  z.meta({ examples: ['https://example.com'] }),
);
