const escapeSequence = /\p{Cc}\[[0-?]*[ -/]*[@-~]/gu;
const invisible = /(?![\t\n])[\p{Cc}\p{Cf}]/gu;

function named(character: string): string {
  return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** Code with the characters named that a reader would not see, or that turn the order of what is read. */
export function visibleText(text: string): string {
  return text.replace(invisible, named);
}

/** What a command printed, without colours; what else cannot be seen is named. */
export function printedText(text: string): string {
  return visibleText(text.replace(/\r\n?/g, '\n').replace(escapeSequence, ''));
}
