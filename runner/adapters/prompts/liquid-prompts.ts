import { Liquid, LiquidError } from 'liquidjs';
import { OpusError } from '#shared/domain/errors.ts';
import type { PromptRenderer } from '../../core/ports/prompt-renderer.ts';

/** Liquid without files: no include, no layout; an unknown variable or filter is an error, not an empty string. */
export function createLiquidPrompts(): PromptRenderer {
  const liquid = new Liquid({
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    templates: {},
    parseLimit: 1_000_000,
    renderLimit: 5_000,
    memoryLimit: 50_000_000,
  });
  return {
    async render(template, variables, name) {
      try {
        return String(await liquid.parseAndRender(template, { ...variables })).trim();
      } catch (thrown) {
        const message = thrown instanceof LiquidError ? thrown.message : String(thrown);
        throw new OpusError(
          'vault.template-invalid',
          `The prompt template in ${name} cannot be filled: ${message.split('\n')[0] ?? ''}`,
          {
            hint: 'docs/agent-contract.md lists the variables a template may use; confirm the mended note with opus trust.',
            cause: thrown,
          },
        );
      }
    },
  };
}
