import { LogTail, linesOf } from './log-tail.ts';

/** When a step ran, in milliseconds since the epoch and to the second, as GitHub tells it. */
export interface StepTimes {
  readonly startedAt: number;
  readonly completedAt: number;
}

const second = 1000;
const stampedLine = /^\uFEFF?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z ?(.*)$/s;
const colour = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');
/** After its error, a step has no more groups. */
const anyBegins = /^(?:##\[group\]|Post job cleanup\.)/;
const stepBegins = /^(?:##\[group\]Run |Post job cleanup\.)/;

/**
 * The end of one step's part of a job's log. The log does not say where steps begin: their times do, to the second, and
 * within a second the words with which a step begins. Without times, or where nothing fits, it is the end of the log.
 */
export async function stepTail(log: AsyncIterable<Uint8Array | string>, times: StepTimes | null): Promise<string> {
  const whole = new LogTail();
  const step = new LogTail();
  let isInside = false;
  let hasFailed = false;
  for await (const raw of linesOf(log)) {
    const [, stamp, rest] = stampedLine.exec(raw) ?? [];
    const text = withoutColours(rest ?? raw);
    whole.add(text);
    if (times === null) continue;
    if (stamp !== undefined) {
      const at = Date.parse(`${stamp}Z`);
      const begins = stepBegins.test(text);
      if (at > times.completedAt) break;
      // The next step may begin in the second in which this one ended.
      if (hasFailed && at + second > times.completedAt && anyBegins.test(text)) break;
      if (begins && !hasFailed && at < times.startedAt + second) step.clear();
      isInside = at >= times.startedAt;
    }
    if (!isInside) continue;
    hasFailed ||= text.startsWith('##[error]');
    step.add(text);
  }
  return step.isEmpty ? whole.text : step.text;
}

function withoutColours(text: string): string {
  return text.replaceAll(colour, '');
}
