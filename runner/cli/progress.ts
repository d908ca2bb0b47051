import type { ProgressLine } from '../engine/stage-context.ts';
import { plainLine, shortDuration } from './plain-text.ts';
import type { Terminal } from './terminal.ts';

export interface Progress {
  readonly show: (line: ProgressLine) => void;
  /** Clears the line that is drawn again. Afterwards nothing is shown any more. */
  close(): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 120;

interface Running {
  readonly name: string;
  readonly since: number;
  last: string;
}

/** Stages as they begin and end, on standard error; on a terminal also what is being done right now. */
export function createProgress(terminal: Terminal, now: () => number = () => performance.now()): Progress {
  const running = new Map<string, Running>();
  const live = terminal.errIsTerminal && terminal.environment['TERM'] !== 'dumb';
  let frame = 0;
  let closed = false;
  const timer = live ? setInterval(draw, frameMs) : undefined;
  timer?.unref();

  function draw(): void {
    const current = [...running.values()].at(-1);
    if (!current) return;
    frame = (frame + 1) % frames.length;
    const width = Math.max(20, (process.stderr.columns || 80) - 1);
    const text = `${frames[frame] ?? ''} ${current.name}  ${shortDuration(Math.floor((now() - current.since) / 1000) * 1000)}  ${current.last}`;
    terminal.draw(`\r\u001b[2K${plainLine(text, width)}`);
  }

  function line(text: string): void {
    terminal.err(live ? `\r\u001b[2K${text}` : text);
  }

  return {
    show(event) {
      if (closed) return;
      const key = `${event.job}/${event.stage}/${event.round}`;
      const name = event.round === 0 ? event.stage : `${event.stage}, round ${event.round}`;
      if (event.kind === 'started') {
        running.set(key, { name, since: now(), last: '' });
        const agent = event.text === '' ? '' : ` (${plainLine(event.text)})`;
        if (!live) line(`… ${name}${agent}`);
        return;
      }
      const current = running.get(key);
      if (event.kind === 'output') {
        if (current) current.last = plainLine(lastLine(event.text)) || current.last;
        return;
      }
      if (event.kind === 'note') {
        line(`  ${plainLine(event.text, 1_000)}`);
        return;
      }
      running.delete(key);
      const took = current ? `, ${shortDuration(now() - current.since)}` : '';
      line(
        `${mark(terminal, event.text)} ${name}${took}  ${terminal.paint('err', 'dim', plainLine(event.text, 1_000))}`,
      );
    },
    close() {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      if (live && running.size > 0) terminal.draw('\r\u001b[2K');
    },
  };
}

function mark(terminal: Terminal, outcome: string): string {
  if (outcome.startsWith('passed')) return terminal.paint('err', 'green', '✓');
  return terminal.paint(
    'err',
    outcome.startsWith('rejected') ? 'yellow' : 'red',
    outcome.startsWith('rejected') ? '↺' : '✗',
  );
}

function lastLine(text: string): string {
  return (
    text
      .trimEnd()
      .split(/[\r\n]/)
      .at(-1) ?? ''
  );
}
