import { createHash } from 'node:crypto';

/**
 * A report ends with a line, a comment in Obsidian, that is right only for exactly the text before it. So a report that a
 * person has changed can be told from one that is the runner's alone, even when nothing else is known of its job.
 */
export function sealed(text: string): string {
  return `${text}\n%% opus ${hashOf(text)} %%\n`;
}

/** The hash in that line; null where it is missing, or the text was changed. */
export function intactSeal(report: string): string | null {
  const [, text = '', hash = null] = /^([\s\S]*)\n%% opus ([0-9a-f]{64}) %%\n$/.exec(report) ?? [];
  return hash !== null && hashOf(text) === hash ? hash : null;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
