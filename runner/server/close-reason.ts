/** Of a close frame. */
const longestReason = 123;

/** As much of it as a close frame can carry. */
export function closeReason(reason: string): string {
  return Buffer.from(reason)
    .subarray(0, longestReason)
    .toString()
    .replace(/\uFFFD$/, '');
}
