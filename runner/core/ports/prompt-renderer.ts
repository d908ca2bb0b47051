/** Fills an agent note's template. Rejects with `vault.template-invalid`, naming the unknown variable or the line. */
export interface PromptRenderer {
  render(template: string, variables: Readonly<Record<string, unknown>>, name: string): Promise<string>;
}
