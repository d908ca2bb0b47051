import type { OpusError } from '#shared/domain/errors.ts';
import type { Readable } from 'node:stream';
import type { SecretReference } from '../../core/configuration.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Tokens } from './access-token.ts';

/** What is left of what GitHub allows, as its last answer told. */
export interface ForgeQuota {
  readonly host: string;
  /** `core`, `graphql`, … */
  readonly resource: string;
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds since the epoch. */
  readonly resetAt: number;
}

/** One request that went out. */
export interface ForgeCall {
  /** What it was for: few and constant words. */
  readonly operation: string;
  /** Null when no answer came. */
  readonly status: number | null;
}

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly resolveSecret: (reference: SecretReference, use: string) => string;
  readonly onQuota?: (quota: ForgeQuota) => void;
  readonly onCall?: (call: ForgeCall) => void;
  readonly userAgent?: string;
  readonly timeoutMs?: number;
  /** What the first repetition of a read waits. */
  readonly retryPauseMs?: number;
  /** Whether writes keep the distance in time that GitHub asks for; by itself not at a server of one's own. */
  readonly isPaced?: boolean;
}

export interface Answer {
  readonly data: unknown;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
}

/** The way to one repository on one server. Everything it rejects with is an OpusError without a secret. */
export interface GithubConnection {
  readonly owner: string;
  readonly name: string;
  /** `owner/name`. */
  readonly repo: string;
  /** `https://host` of the API. */
  readonly origin: string;
  readonly host: string;
  readonly clock: Clock;
  readonly tokens: Tokens;
  /** Asks at most thrice. `polled` answers are kept, and asked for only when they changed. */
  get(doing: string, path: string, options?: ReadOptions): Promise<Answer>;
  /** All pages, at most a thousand entries. */
  list(doing: string, path: string, query?: Query): Promise<unknown[]>;
  /** Is sent once: whoever calls looks before and after. */
  send(doing: string, method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Answer>;
  /** `data` of a GraphQL query; what it asks for and is not there is null. */
  query(doing: string, text: string, variables: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** As `send`. */
  mutate(doing: string, text: string, variables: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** That the repository is not there, or hidden. */
  missing(): OpusError;
  /** Follows to where GitHub keeps a file, without the token. */
  download(doing: string, path: string): Promise<Readable>;
}

export type Query = Readonly<Record<string, string | number>>;

export interface ReadOptions {
  readonly query?: Query;
  readonly polled?: boolean;
}

/** A part of a path, whatever is in it. */
export function at(strings: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return String.raw({ raw: strings }, ...values.map((value) => encodeURIComponent(value)));
}
