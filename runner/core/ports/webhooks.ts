/** What a forge sends when something happened. It is news and nothing more: what is done follows from looking. */
export interface WebhookDelivery {
  /** The forge's own; the same for a repetition. */
  readonly id: string;
  readonly event: string;
  readonly signature: string;
  /** The exact text that was signed. */
  readonly body: string;
}

export interface WebhookReader {
  /** Whether any repository has a secret for them. */
  isExpected(): boolean;
  /** The repositories of opus.yml that it is news of; null where nobody who knows their secret has signed it. */
  read(delivery: WebhookDelivery): Promise<readonly string[] | null>;
}
