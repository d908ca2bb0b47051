import * as z from 'zod/mini';
import type { GithubConfig, SecretReference } from '../../core/configuration.ts';
import type { WebhookDelivery, WebhookReader } from '../../core/ports/webhooks.ts';

export interface WebhookReaderOptions {
  /** The `github` sections in force, by the names of their repositories. */
  readonly repositories: () => Readonly<Record<string, GithubConfig>>;
  readonly resolveSecret: (reference: SecretReference, use: string) => string;
}

const payloadAnswer = z.object({ repository: z.optional(z.object({ full_name: z.string() })) });

/** Webhooks of GitHub. The body is believed, and parsed, only after its signature was found right. */
export function createWebhookReader({ repositories, resolveSecret }: WebhookReaderOptions): WebhookReader {
  const expected = () =>
    Object.entries(repositories()).flatMap(([name, { repo, webhook }]) =>
      webhook === undefined ? [] : [{ name, repo, webhook }],
    );
  return {
    isExpected: () => expected().length > 0,
    async read({ body, signature }: WebhookDelivery) {
      const { Webhooks } = await import('@octokit/webhooks');
      const bySecret = Map.groupBy(expected(), ({ name, webhook }) => resolveSecret(webhook, `webhooks of ${name}`));
      const signed: { readonly name: string; readonly repo: string }[] = [];
      for (const [secret, entries] of bySecret) {
        if (body !== '' && (await new Webhooks({ secret }).verify(body, signature))) signed.push(...entries);
      }
      if (signed.length === 0) return null;
      const about = repositoryOf(body);
      return signed.filter(({ repo }) => repo.toLowerCase() === about).map(({ name }) => name);
    },
  };
}

function repositoryOf(body: string): string | null {
  try {
    return payloadAnswer.parse(JSON.parse(body)).repository?.full_name.toLowerCase() ?? null;
  } catch {
    return null;
  }
}
