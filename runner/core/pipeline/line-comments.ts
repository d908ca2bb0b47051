import type { LineComment } from '#shared/protocol/method-params.ts';

/** What a person wrote at lines of the change, and of the whole, as the feedback of a fix round. */
export function lineCommentsText(comments: readonly LineComment[], comment: string): string {
  const atLines = comments.map(({ file, line, body }) => {
    // A line break in a name would begin what reads as another comment.
    const place = `${file.replace(/\s+/g, ' ')}${line === null ? '' : `:${line}`}`;
    return `${place}: ${body.trim().replace(/\r\n?|\n/g, '\n  ')}`;
  });
  return [comment.trim(), atLines.join('\n')].filter((part) => part !== '').join('\n\n');
}
