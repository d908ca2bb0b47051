import type { FeatureRequest } from './feature-request.ts';
import type { NoteReader } from './note-reader.ts';
import { complexityFrom, priorityFrom } from './note-words.ts';

export function readPriority(note: NoteReader): FeatureRequest['priority'] {
  const { text, line } = note.text('priority');
  if (text === '') return 'P2';
  const priority = priorityFrom(text);
  if (priority) return priority;
  const hint = 'Write P0, P1, P2 or P3; 0 to 3, urgent, high, medium and low are read too.';
  note.report('priority.unknown', `\`${text}\` is no priority; P2 is used.`, hint, line, 'warning');
  return 'P2';
}

export function readBudget(note: NoteReader): FeatureRequest['budget'] {
  const { text, line } = note.text('budget');
  if (text === '') return null;
  const amount = /^(\d{1,9}(?:\.\d{1,4})?)\s*(?:USD|\$)?$/i.exec(text)?.[1];
  if (amount !== undefined) return Number(amount);
  note.report('key.invalid', `\`${text}\` is no amount in US dollars.`, 'Write for example `budget: 2 USD`.', line);
  return null;
}

export function readComplexity(note: NoteReader): FeatureRequest['complexity'] {
  const { text, line } = note.text('complexity');
  if (text === '') return null;
  const complexity = complexityFrom(text);
  if (complexity) return complexity;
  note.report(
    'complexity.unknown',
    `\`${text}\` is no complexity.`,
    'Write simple, medium or complex.',
    line,
    'warning',
  );
  return null;
}

export function readAutoMerge(note: NoteReader): FeatureRequest['autoMerge'] {
  const { text, line } = note.text('auto_merge');
  if (text === '') return null;
  if (/^(?:true|yes|on)$/i.test(text)) return true;
  if (/^(?:false|no|off)$/i.test(text)) return false;
  note.report('key.invalid', `\`${text}\` is neither true nor false.`, 'Write `auto_merge: false`.', line);
  return null;
}

/** `12`, `#12`, or the address of an issue. */
export function readIssue(note: NoteReader): FeatureRequest['issue'] {
  const { text, line } = note.text('issue');
  if (text === '') return null;
  const number = /^(?:#|https?:\/\/\S+\/issues\/)?(\d{1,9})\/?$/.exec(text.trim())?.[1];
  if (number !== undefined && Number(number) > 0) return Number(number);
  const hint = 'Write its number or its address, as in `issue: 12`.';
  note.report('key.invalid', `\`${text.slice(0, 80)}\` is no issue.`, hint, line);
  return null;
}
