import { complexities, noteStatuses, type Complexity, type NoteStatus, type Priority } from './feature-request.ts';

const priorityWords: Readonly<Record<string, Priority>> = {
  '0': 'P0',
  '1': 'P1',
  '2': 'P2',
  '3': 'P3',
  p0: 'P0',
  p1: 'P1',
  p2: 'P2',
  p3: 'P3',
  critical: 'P0',
  urgent: 'P0',
  high: 'P1',
  medium: 'P2',
  normal: 'P2',
  low: 'P3',
};

/** Every spelling of a priority that notes have; null for any other text. */
export function priorityFrom(text: string): Priority | null {
  const word = text
    .trim()
    .toLowerCase()
    .replace(/^p-(?=[0-3]$)/, 'p');
  return Object.hasOwn(priorityWords, word) ? (priorityWords[word] ?? null) : null;
}

/** A status in any case, with spaces or underscores for hyphens; null for any other text. */
export function statusFrom(text: string): NoteStatus | null {
  const word = text
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-');
  return noteStatuses.find((status) => status === word) ?? null;
}

export const statusHint = `Write one of: ${noteStatuses.join(', ')}.`;

export function complexityFrom(text: string): Complexity | null {
  const word = text.trim().toLowerCase();
  return complexities.find((complexity) => complexity === word) ?? null;
}
