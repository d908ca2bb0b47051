import type { OpenGateway } from '../../core/ports/gateway.ts';

export interface Amount {
  readonly tokens: number;
  /** Null where the price is not known. */
  readonly dollars: number | null;
}

/** What one attempt has spent, and is spending in responses that still stream. */
export interface Spending {
  /** Nothing is left: no other response may begin. */
  readonly isSpent: () => boolean;
  /** With what is streaming now, more than the budget is gone. */
  isOver(): boolean;
  /** By the response's own key, in place of what was told of it before. */
  streaming(response: object, amount: Amount): void;
  settle(response: object, amount: Amount): void;
  /** In words, for the refusal. */
  message(): string;
}

export function createSpending(budget: OpenGateway['budget']): Spending {
  const running = new Map<object, Amount>();
  let tokens = 0;
  let dollars = 0;

  const exceeds = (spentTokens: number, spentDollars: number, compare: (spent: number, limit: number) => boolean) =>
    (budget.tokens !== null && compare(spentTokens, budget.tokens)) ||
    (budget.dollars !== null && compare(spentDollars, budget.dollars));

  return {
    isSpent: () => exceeds(tokens, dollars, (spent, limit) => spent >= limit),
    isOver: () => {
      const amounts = [...running.values()];
      return exceeds(
        amounts.reduce((sum, amount) => sum + amount.tokens, tokens),
        amounts.reduce((sum, amount) => sum + (amount.dollars ?? 0), dollars),
        (spent, limit) => spent > limit,
      );
    },
    streaming: (response, amount) => running.set(response, amount),
    settle: (response, amount) => {
      running.delete(response);
      tokens += amount.tokens;
      dollars += amount.dollars ?? 0;
    },
    message: () => {
      const limits = [
        budget.tokens === null ? null : `${budget.tokens} tokens`,
        budget.dollars === null ? null : `${budget.dollars.toFixed(2)} USD`,
      ];
      return `The budget for this run is spent: ${limits.filter((limit) => limit !== null).join(', ')}.`;
    },
  };
}
