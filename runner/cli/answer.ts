import { OpusError } from '#shared/domain/errors.ts';
import { decide, type DecideOptions } from './decide.ts';
import type { Terminal } from './terminal.ts';

/** The answer to what an agent asked; the agent goes on with it. */
export async function answer(terminal: Terminal, name: string, options: DecideOptions): Promise<number> {
  if ((options.comment ?? '').trim() === '') {
    throw new OpusError('config.usage', 'An answer needs its words.', { hint: `opus answer ${name} --comment "…"` });
  }
  return await decide(terminal, 'changes', name, options);
}
