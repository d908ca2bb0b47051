import type { Fields } from './description.ts';

/** An answer that says no, with GitHub's words. */
export class Refusal extends Error {
  readonly status: number;
  readonly fields: Fields;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, fields: Fields = {}, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
    this.headers = headers;
  }
}
