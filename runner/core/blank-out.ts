const star = 0x2a;

export interface Redaction {
  readonly text: (text: string) => string;
  /** For bytes that come in pieces: what begins like a secret is held back until the next piece shows whether it is. */
  stream(): { push(chunk: Buffer): Buffer; end(): Buffer };
}

/** Puts as many stars in the place of each secret, so that lengths stay true. */
export function createRedaction(secrets: readonly string[]): Redaction {
  const searched = [...new Set(secrets)].filter((secret) => secret !== '').map((secret) => Buffer.from(secret));
  return {
    text: (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, '*'.repeat(secret.length)), text),
    stream: () => {
      let held: Buffer = Buffer.alloc(0);
      return {
        push: (chunk) => {
          const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
          for (const secret of searched) blank(bytes, secret);
          const kept = Math.max(0, ...searched.map((secret) => beginningAtEnd(bytes, secret)));
          held = bytes.subarray(bytes.length - kept);
          return bytes.subarray(0, bytes.length - kept);
        },
        end: () => held,
      };
    },
  };
}

function blank(bytes: Buffer, secret: Buffer): void {
  for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at)) {
    bytes.fill(star, at, at + secret.length);
  }
}

/** How many bytes at the end are the beginning of the secret. */
function beginningAtEnd(bytes: Buffer, secret: Buffer): number {
  for (let length = Math.min(secret.length - 1, bytes.length); length > 0; length -= 1) {
    if (bytes.subarray(bytes.length - length).equals(secret.subarray(0, length))) return length;
  }
  return 0;
}
