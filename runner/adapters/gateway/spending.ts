import type { Budget } from '../../core/ports/gateway.ts';

export interface Amount {
  readonly tokens: number;
  /** Null where the price is not known. */
  readonly dollars: number | null;
}

/** What one attempt may spend beside all others, with what streams here and was not told yet. */
export interface Spending {
  /** Nothing is left: no other response may begin. */
  readonly isSpent: () => boolean;
  /** With what is streaming now, more than the budget is gone. */
  readonly isOver: () => boolean;
  /** What of a response is in the count that all share. */
  told(response: string, amount: Amount): void;
  /** What is known of it by now. */
  streaming(response: string, amount: Amount): void;
  /** It is over, and all of it is in the count that all share. */
  settle(response: string): void;
  /** In words, for the refusal. */
  message(): string;
}

const nothing: Amount = { tokens: 0, dollars: 0 };

export function createSpending(left: () => Budget): Spending {
  const running = new Map<string, { told: Amount; now: Amount }>();
  const atFirst = left();
  /** Null after something was told, for then there is less. */
  let known: Budget | null = atFirst;

  const entry = (response: string) => {
    const found = running.get(response) ?? { told: nothing, now: nothing };
    running.set(response, found);
    return found;
  };
  const isPassed = (compare: (left: number) => boolean): boolean => {
    known ??= left();
    const ahead = [...running.values()];
    const tokens = ahead.reduce((sum, { told, now }) => sum + told.tokens - now.tokens, 0);
    const dollars = ahead.reduce((sum, { told, now }) => sum + (told.dollars ?? 0) - (now.dollars ?? 0), 0);
    return (
      (known.tokens !== null && compare(known.tokens + tokens)) ||
      (known.dollars !== null && compare(known.dollars + dollars))
    );
  };

  return {
    isSpent: () => {
      known = null;
      return isPassed((rest) => rest <= 0);
    },
    isOver: () => isPassed((rest) => rest < 0),
    told: (response, amount) => {
      entry(response).told = amount;
      known = null;
    },
    streaming: (response, amount) => {
      entry(response).now = amount;
    },
    settle: (response) => {
      running.delete(response);
      known = null;
    },
    message: () => {
      const { tokens, dollars } = atFirst;
      const limits = [
        tokens === null ? null : `${tokens} tokens`,
        dollars === null ? null : `${dollars.toFixed(2)} USD`,
      ];
      return `The budget for this run is spent: ${limits.filter((limit) => limit !== null).join(', ')}.`;
    },
  };
}
