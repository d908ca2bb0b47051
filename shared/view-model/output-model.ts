import type { LiveEntry } from '../domain/live-output.ts';
import { counted, dollars, sentenceCase, tokens } from './formats.ts';

const mostLines = 5_000;
const longestLine = 2_000;

export interface OutputLine {
  /** Grows from line to line, so that a view keeps its place when old ones go. */
  readonly number: number;
  readonly at: number;
  readonly kind:
    'heading' | 'text' | 'tool' | 'result' | 'file' | 'question' | 'warning' | 'good' | 'bad' | 'quiet' | 'gap';
  readonly stage: string;
  readonly text: string;
}

export interface OutputModel {
  readonly lines: readonly OutputLine[];
  /** How many are not among the lines any more, or never came. */
  readonly missing: number;
  /** Whether nothing comes any more before somebody does something about the job. */
  readonly rests: boolean;
  readonly nextNumber: number;
  /** The last entry taken. */
  readonly last: { readonly number: number; readonly at: number };
}

export const noOutput: OutputModel = {
  lines: [],
  missing: 0,
  rests: false,
  nextNumber: 1,
  last: { number: -1, at: 0 },
};

/**
 * With what happened since; entries that were taken before, as after a reconnect, are passed over. A runner that was started
 * anew counts anew, but later.
 */
export function withEntries(model: OutputModel, entries: readonly LiveEntry[], dropped: number): OutputModel {
  let { last } = model;
  const told: (Shown & { readonly at: number; readonly stage: string })[] = [];
  if (dropped > 0)
    told.push({ ...gap(`${counted(dropped, 'entry is', 'entries are')} missing here.`), at: last.at, stage: '' });
  for (const entry of entries) {
    if (entry.number <= last.number && entry.at <= last.at) continue;
    last = entry;
    const { kind, text } = shownOf(entry);
    for (const line of linesOf(text)) told.push({ at: entry.at, kind, stage: entry.stage, text: line });
  }
  return withLines(
    {
      ...model,
      missing: model.missing + dropped,
      rests: entries.length === 0 && model.rests,
      last: { number: last.number, at: last.at },
    },
    told,
  );
}

function gap(text: string): Shown {
  return { kind: 'gap', text };
}

function withLines(model: OutputModel, told: readonly Omit<OutputLine, 'number'>[]): OutputModel {
  const added = told.map((line, index) => ({ ...line, number: model.nextNumber + index }));
  const all = [...model.lines, ...added];
  const lines = all.length > mostLines ? all.slice(-mostLines) : all;
  return {
    ...model,
    lines,
    missing: model.missing + all.length - lines.length,
    nextNumber: model.nextNumber + added.length,
  };
}

/** What was printed before anybody followed, attempt by attempt, as it was kept. */
export function withLogs(
  model: OutputModel,
  logs: readonly { readonly name: string; readonly text: string }[],
): OutputModel {
  const { at } = model.last;
  return withLines(
    model,
    logs.flatMap(({ name, text }) => [
      { kind: 'heading' as const, text: logHeading(name), at, stage: '' },
      ...linesOf(text).map((line) => ({ kind: 'text' as const, text: line, at, stage: '' })),
    ]),
  );
}

/** Of `JOB.STAGE.ROUND.GENERATION.TRY.log`, or with `-test` and the like for a command that the runner ran; else the name. */
function logHeading(name: string): string {
  const [, stage, round, number, command] = /\.([a-z]+)\.(\d+)\.\d+\.(\d+)(?:-([a-z]+))?\.log$/.exec(name) ?? [];
  if (stage === undefined) return name;
  const heading = attemptHeading(stage, Number(round), Number(number));
  return command === undefined || command === stage ? heading : `${heading}: ${command}`;
}

function attemptHeading(stage: string, round: number, number: number): string {
  return `${sentenceCase(stage)}${round > 0 ? `, round ${round}` : ''}${number > 1 ? `, try ${number}` : ''}`;
}

export function atRest(model: OutputModel): OutputModel {
  return { ...model, rests: true };
}

/** The connection was lost and is back: what follows begins with what is still kept of the job. */
export function reconnected(model: OutputModel): OutputModel {
  const resumed = { ...model, rests: false };
  if (model.lines.length === 0) return resumed;
  return withLines(resumed, [{ ...gap('The connection was lost and is back.'), at: model.last.at, stage: '' }]);
}

/** The indexes of the lines that have the words, whatever their case. */
export function searchHits(model: Pick<OutputModel, 'lines'>, words: string): readonly number[] {
  const wanted = words.trim().toLowerCase();
  if (wanted === '') return [];
  return model.lines.flatMap(({ text }, index) => (text.toLowerCase().includes(wanted) ? [index] : []));
}

/** The lines as plain text, for the clipboard. */
export function outputText(model: Pick<OutputModel, 'lines'>): string {
  return model.lines.map(({ text }) => text).join('\n');
}

type Shown = Pick<OutputLine, 'kind' | 'text'>;

function shownOf({ stage, event }: LiveEntry): Shown {
  switch (event.kind) {
    case 'started': {
      const agent = event.agent === null ? '' : ` by ${event.agent}`;
      return { kind: 'heading', text: `${attemptHeading(stage, event.round, event.try)}${agent}` };
    }
    case 'command':
      return { kind: 'tool', text: `$ ${event.command}` };
    case 'text':
      return { kind: 'text', text: event.text };
    case 'tool-call':
      return { kind: 'tool', text: `${event.name} ${toolInput(event.input)}`.trimEnd() };
    case 'tool-result':
      return { kind: event.ok ? 'result' : 'bad', text: event.output };
    case 'file-change':
      return { kind: 'file', text: `${sentenceCase(event.change)} ${event.path}` };
    case 'question':
      return { kind: 'question', text: event.question };
    case 'permission':
      return {
        kind: event.granted ? 'quiet' : 'warning',
        text: `${event.granted ? 'Allowed' : 'Denied'} ${event.name}`,
      };
    case 'rate-limit':
      return { kind: 'warning', text: event.message };
    case 'usage': {
      const cost = event.cost === null ? '' : `, ${dollars(event.cost)}`;
      return {
        kind: 'quiet',
        text: `${tokens(event.usage.input + event.usage.output)} tokens of ${event.model}${cost}`,
      };
    }
    case 'done':
      return { kind: event.ok ? 'text' : 'bad', text: event.text };
    case 'ended': {
      const status = `${sentenceCase(stage)} ${event.status}`;
      const text = event.sentence === '' ? `${status}.` : `${status}: ${event.sentence}`;
      return { kind: event.status === 'passed' ? 'good' : 'bad', text };
    }
    case 'session':
      return { kind: 'quiet', text: '' };
    default:
      // A newer runner tells of more.
      return { kind: 'quiet', text: '' };
  }
}

/** What a tool is mostly about, whichever agent names it how. */
const tellingKeys = ['command', 'path', 'file_path', 'filePath', 'pattern', 'query', 'url', 'question', 'description'];

function toolInput(input: string): string {
  let value: unknown;
  try {
    value = JSON.parse(input);
  } catch {
    return input;
  }
  if (typeof value !== 'object' || value === null) return input;
  const fields = value as Readonly<Record<string, unknown>>;
  const key = tellingKeys.find((name) => name in fields);
  const told = key === undefined ? undefined : fields[key];
  if (Array.isArray(told)) return told.join(' ');
  return typeof told === 'string' ? told : input;
}

function linesOf(text: string): string[] {
  if (text.trim() === '') return [];
  return text
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .map((line) => (line.length > longestLine ? `${line.slice(0, longestLine)}…` : line));
}
