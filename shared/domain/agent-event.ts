/** Tokens of one or several model responses. `input` includes what came from, or went into, a cache. */
export interface TokenUsage {
  readonly input: number;
  /** Of `input`: read from the provider's cache. */
  readonly cacheRead: number;
  /** Of `input`: written to the provider's cache. */
  readonly cacheWrite: number;
  readonly output: number;
}

/** What an agent does while it works, whichever agent it is. Text is the agent's own and untrusted. */
export type AgentEvent =
  /** The conversation's id, by which it can be resumed. */
  | { readonly kind: 'session'; readonly id: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tool-call'; readonly id: string; readonly name: string; readonly input: string }
  | { readonly kind: 'tool-result'; readonly id: string; readonly ok: boolean; readonly output: string }
  | { readonly kind: 'file-change'; readonly path: string; readonly change: 'added' | 'changed' | 'deleted' }
  /** Since the last such event of this run; never of earlier runs of a resumed conversation. `cost` in US dollars, null where the agent does not say. */
  | { readonly kind: 'usage'; readonly model: string; readonly usage: TokenUsage; readonly cost: number | null }
  | { readonly kind: 'question'; readonly question: string }
  /** A tool that was asked for and granted or denied. */
  | { readonly kind: 'permission'; readonly name: string; readonly granted: boolean }
  /** The provider refuses for now; `until` in milliseconds since the epoch, null when it does not say. */
  | { readonly kind: 'rate-limit'; readonly until: number | null; readonly message: string }
  | { readonly kind: 'done'; readonly ok: boolean; readonly text: string };

export const noUsage: TokenUsage = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };

export function addUsage(left: TokenUsage, right: TokenUsage): TokenUsage {
  return {
    input: left.input + right.input,
    cacheRead: left.cacheRead + right.cacheRead,
    cacheWrite: left.cacheWrite + right.cacheWrite,
    output: left.output + right.output,
  };
}
