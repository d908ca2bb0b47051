import type { AgentEvent } from '#shared/domain/agent-event.ts';
import type { AgentRequest } from '../../../core/ports/agent.ts';
import { lineOf, type ReadableLog } from '../readable-log.ts';

export interface Telling {
  tell(event: AgentEvent): void;
  /** The last event of a run; `text` is the model's last word where nothing else is given. */
  done(ok: boolean, text?: string): void;
}

/** Events go to whoever asked for them, and as lines to the log. */
export function createTelling(request: AgentRequest, log: ReadableLog): Telling {
  let last = '';
  const tell = (event: AgentEvent): void => {
    if (event.kind === 'text') last = event.text;
    const line = lineOf(event);
    if (line !== null) log.write(line);
    request.onEvent?.(event);
  };
  return {
    tell,
    done: (ok, text) => {
      tell({ kind: 'done', ok, text: text ?? last });
    },
  };
}
