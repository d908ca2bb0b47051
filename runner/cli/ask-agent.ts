import { OpusError } from '#shared/domain/errors.ts';
import type { Answer } from '../compose-ask.ts';
import { locateConfig } from './configuration.ts';
import { plainLine } from './plain-text.ts';
import { printJson, type Terminal } from './terminal.ts';

export interface AskOptions {
  readonly agent?: string;
  readonly model?: string;
  readonly json?: boolean;
  readonly config?: string;
}

/** Those that move the cursor, change colours or retitle the window; told by one character, so that a piece of text will do. */
// eslint-disable-next-line no-control-regex -- control characters are what is removed
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** One prompt to any agent or model, without the pipeline. */
export async function askAgentOrModel(terminal: Terminal, prompt: string, options: AskOptions): Promise<number> {
  const { agent = null, model = null, json = false } = options;
  if (agent !== null && model !== null) {
    throw new OpusError('config.usage', 'Either --agent or --model says who is asked, not both.');
  }
  if (prompt.trim() === '') throw new OpusError('config.usage', 'The prompt is empty.', { hint: 'opus ask "…"' });
  const { config } = locateConfig(terminal, options.config);
  const { ask } = await import('../compose-ask.ts');
  let shown = '';
  const show = (text: string): void => {
    const plain = text.replaceAll(controls, '');
    shown += plain;
    if (!json) terminal.write(plain);
  };
  let answer: Answer;
  try {
    const { signal, environment } = terminal;
    answer = await ask(config, { prompt, agent, model, signal, onText: show }, { environment });
  } finally {
    // What is said of an error begins a line of its own.
    if (!json && shown !== '' && !shown.endsWith('\n')) terminal.write('\n');
  }
  if (json) printJson(terminal, answer);
  else {
    if (shown === '') terminal.out(answer.text.replaceAll(controls, ''));
    if (terminal.errIsTerminal) terminal.err(terminal.paint('err', 'dim', usageLine(answer)));
  }
  return 0;
}

function usageLine({ model, usage, cost }: Answer): string {
  const price = cost === null ? 'price not known' : `${cost.toFixed(4)} USD`;
  return `${plainLine(model, 80) || 'no model named'} · ${usage.input} tokens in, ${usage.output} out · ${price}`;
}
