import type { TokenUsage } from '#shared/domain/agent-event.ts';
import type { LiveEntry } from '#shared/domain/live-output.ts';
import { dollarText, shortCount } from '../core/reporting/cost.ts';
import { plainLine, plainText, shortDuration } from './plain-text.ts';
import type { Terminal } from './terminal.ts';

/** Wider than this, a tool's input or answer is no line that anybody reads. */
const widest = 160;

export interface LiveLines {
  show(entry: LiveEntry): void;
  dropped(count: number): void;
}

/** What happens in a job as a person follows it: headings for attempts, what the agent says, a line for each thing it does. */
export function createLiveLines(terminal: Terminal): LiveLines {
  let attempt: string | null = null;
  let startedAt: number | null = null;
  const spent = { input: 0, cacheRead: 0, output: 0, cost: 0, responses: 0, unpriced: false };

  const heading = (parts: readonly string[]): void => {
    if (attempt !== null) terminal.out('');
    terminal.out(terminal.paint('out', 'bold', `── ${parts.filter((part) => part !== '').join(' · ')}`));
  };
  const dim = (text: string): void => {
    terminal.out(terminal.paint('out', 'dim', text));
  };
  const countUsage = (usage: TokenUsage, cost: number | null): void => {
    spent.input += usage.input;
    spent.cacheRead += usage.cacheRead;
    spent.output += usage.output;
    spent.cost += cost ?? 0;
    spent.responses += 1;
    spent.unpriced ||= cost === null;
  };

  function begin(entry: LiveEntry): void {
    const { event } = entry;
    if (event.kind === 'started') {
      const round = event.round === 0 ? '' : `round ${event.round}`;
      heading([entry.stage, round, event.try === 1 ? '' : `try ${event.try}`, plainLine(event.agent ?? '')]);
      startedAt = entry.at;
    } else heading([entry.stage]);
    attempt = entry.attempt;
    Object.assign(spent, { input: 0, cacheRead: 0, output: 0, cost: 0, responses: 0, unpriced: false });
  }

  function end(entry: LiveEntry, status: string, sentence: string): void {
    const [mark, colour] =
      status === 'passed'
        ? (['✓', 'green'] as const)
        : status === 'rejected'
          ? (['↺', 'yellow'] as const)
          : (['✗', 'red'] as const);
    const took = startedAt === null || entry.at < startedAt ? '' : `, ${shortDuration(entry.at - startedAt)}`;
    const used = usageText(spent);
    terminal.out(
      `${terminal.paint('out', colour, mark)} ${entry.stage}${took}  ${terminal.paint('out', 'dim', plainLine(sentence, 1_000))}`,
    );
    if (used !== '') dim(`  ${used}`);
    startedAt = null;
  }

  return {
    show(entry) {
      const { event } = entry;
      if (entry.attempt !== attempt || event.kind === 'started') begin(entry);
      switch (event.kind) {
        case 'text': {
          const text = plainText(event.text).replace(/^\n+|\s+$/g, '');
          if (text !== '') terminal.out(text);
          return;
        }
        case 'tool-call':
          terminal.out(
            `${terminal.paint('out', 'cyan', `→ ${plainLine(event.name, 60)}`)} ${inputText(event.input)}`.trimEnd(),
          );
          return;
        case 'tool-result':
          if (event.ok) dim(`← ${outputText(event.output)}`);
          else terminal.out(terminal.paint('out', 'red', `← failed: ${outputText(event.output)}`));
          return;
        case 'file-change':
          terminal.out(terminal.paint('out', 'green', `± ${plainLine(event.path)} ${event.change}`));
          return;
        case 'usage':
          countUsage(event.usage, event.cost);
          return;
        case 'question':
          terminal.out(terminal.paint('out', 'yellow', `? ${plainText(event.question)}`));
          return;
        case 'permission':
          if (!event.granted)
            terminal.out(terminal.paint('out', 'yellow', `! ${plainLine(event.name)} was not allowed`));
          return;
        case 'rate-limit':
          terminal.out(terminal.paint('out', 'yellow', `! ${plainLine(event.message, 1_000)}`));
          return;
        case 'command':
          dim(`$ ${plainLine(event.command, widest)}`);
          return;
        case 'ended':
          end(entry, event.status, event.sentence);
          return;
        case 'session':
        case 'done':
        case 'started':
      }
    },
    dropped(count) {
      dim(`… ${count} ${count === 1 ? 'line was' : 'lines were'} left out: they came faster than they were shown`);
    },
  };
}

/** What a tool is mostly about, whichever agent names it how. */
const tellingKeys = ['command', 'path', 'file_path', 'filePath', 'pattern', 'query', 'url', 'question', 'description'];

function inputText(input: string): string {
  let value: unknown;
  try {
    value = JSON.parse(input);
  } catch {
    return plainLine(input, widest);
  }
  if (typeof value !== 'object' || value === null) return plainLine(input, widest);
  const fields = value as Readonly<Record<string, unknown>>;
  const key = tellingKeys.find((name) => name in fields);
  const told = key === undefined ? Object.values(fields).find((field) => typeof field === 'string') : fields[key];
  if (Array.isArray(told)) return plainLine(told.join(' '), widest);
  return typeof told === 'string' ? plainLine(told, widest) : plainLine(input, widest);
}

function outputText(output: string): string {
  const lines = plainText(output)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const more = lines.length > 1 ? ` (+${lines.length - 1} ${lines.length === 2 ? 'line' : 'lines'})` : '';
  return `${plainLine(lines[0] ?? '', widest)}${more}` || 'nothing';
}

function usageText({
  input,
  cacheRead,
  output,
  cost,
  responses,
  unpriced,
}: {
  readonly input: number;
  readonly cacheRead: number;
  readonly output: number;
  readonly cost: number;
  readonly responses: number;
  readonly unpriced: boolean;
}): string {
  if (responses === 0) return '';
  const cached = cacheRead === 0 ? '' : ` (${shortCount(cacheRead)} cached)`;
  const price = cost === 0 ? '' : `, ${dollarText(cost)}${unpriced ? ' + ?' : ''}`;
  return `${shortCount(input)} tokens in${cached}, ${shortCount(output)} out${price}`;
}
