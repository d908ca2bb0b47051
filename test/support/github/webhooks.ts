import { createHmac, randomUUID } from 'node:crypto';
import { describedGitHub, type Fields } from './description.ts';
import { filled } from './filling.ts';
import type { GitHubState, Happening } from './state.ts';
import { sharedValidation } from './validation.ts';
import { personView, repositoryView } from './views.ts';

export interface Delivery {
  readonly event: string;
  readonly action: string | null;
  readonly deliveryId: string;
  /** The exact text that was signed. */
  readonly body: string;
  readonly payload: Fields;
  /** For the header `x-hub-signature-256`. */
  readonly signature: string;
}

export type WebhookListener = (delivery: Delivery) => void;

/** Makes of all that happens what GitHub would deliver; built only while somebody listens. */
export class Webhooks {
  readonly #state: GitHubState;
  readonly #onViolation: (text: string) => void;
  readonly #listeners: WebhookListener[] = [];
  secret = 'a secret of the webhooks';

  constructor(state: GitHubState, onViolation: (text: string) => void) {
    this.#state = state;
    this.#onViolation = onViolation;
    state.listen((happening) => {
      if (this.#listeners.length === 0) return;
      const delivery = this.#deliveryOf(happening);
      if (delivery !== null) for (const listener of this.#listeners) listener(delivery);
    });
  }

  listen(listener: WebhookListener): void {
    this.#listeners.push(listener);
  }

  sign(body: string): string {
    return `sha256=${createHmac('sha256', this.secret).update(body).digest('hex')}`;
  }

  #deliveryOf({ event, action, repository, sender, fields }: Happening): Delivery | null {
    const schema = describedGitHub().webhookSchema(event, action);
    if (schema === null) {
      this.#onViolation(`GitHub has no webhook ${event} ${action ?? ''}`);
      return null;
    }
    const payload = filled(schema, {
      ...(action === null ? {} : { action }),
      ...fields(),
      repository: repositoryView(this.#state, repository),
      sender: personView(this.#state, this.#state.person(sender)),
    }) as Fields;
    const problems = sharedValidation().schema(schema, payload);
    if (problems.length > 0) this.#onViolation(`webhook ${event} ${action ?? ''}: ${problems.join('; ')}`);
    const body = JSON.stringify(payload);
    return { event, action, deliveryId: randomUUID(), body, payload, signature: this.sign(body) };
  }
}
