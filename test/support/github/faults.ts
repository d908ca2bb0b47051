/** Something that goes wrong on purpose. */
export interface Fault {
  /** An operation as the description names it (`pulls/create`), `graphql`, or `git`; all where it is left out. */
  readonly operation?: string;
  /** Of the address; of `graphql`, of what is asked. */
  readonly match?: RegExp;
  /** `reset` cuts the connection; `timeout` never answers; `secondary` is the secondary rate limit. */
  readonly kind: 'status' | 'reset' | 'timeout' | 'secondary';
  readonly status?: number;
  readonly retryAfter?: number;
  /** The effect is done, and only its answer is lost. */
  readonly afterEffect?: boolean;
  /** Once where it is left out. */
  readonly times?: number;
}

export class Faults {
  #waiting: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#waiting = [];
  }

  /** The fault for this request, used up by it. */
  next(operation: string, url: string): Fault | null {
    const found = this.#waiting.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.operation === undefined || fault.operation === operation) &&
        (fault.match === undefined || fault.match.test(url)),
    );
    if (found === undefined) return null;
    found.left -= 1;
    return found.fault;
  }
}
