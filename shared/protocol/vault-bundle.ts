/** Of one note's UTF-8 text, in bytes; of a longer one only the beginning is brought. */
export const longestNote = 400_000;
/** As much of a note that is too long is brought, so that its properties are still known. */
export const broughtOfLongNote = 64_000;
/** Of all notes of a bundle, in bytes. */
export const largestBundle = 200_000_000;
export const mostNotes = 20_000;

/** Whether a path names a note below one of the folders: plain names with forward slashes, nothing hidden, nothing that leads elsewhere. */
export function isNotePath(path: string, folders: readonly string[]): boolean {
  const parts = path.split('/');
  const isPlain = parts.every((part) => part !== '' && !part.startsWith('.') && !/[\\\p{Cc}]/u.test(part));
  return isPlain && /\.md$/i.test(path) && folders.some((folder) => path.startsWith(`${folder}/`));
}
