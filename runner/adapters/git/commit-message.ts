/** The message with the trailers as its last paragraph, so that only those count as trailers, whatever the message says. */
export function withTrailers(message: string, trailers: readonly (readonly [string, string])[]): string {
  const body = message.replaceAll('\0', '').replaceAll('\r\n', '\n').trim();
  const lines = trailers.map(([key, value]) => `${key}: ${value.replaceAll(/[\0\r\n]+/g, ' ').trim()}`);
  return [body, lines.join('\n')].filter((part) => part !== '').join('\n\n') + '\n';
}
