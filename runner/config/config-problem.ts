/** One thing wrong in a configuration file. `hint` says what to write instead. */
export interface ConfigProblem {
  readonly line: number;
  readonly message: string;
  readonly hint: string;
}
