/** What looks like a credential never reaches a log, a note or a message, wherever in a text it stands. */
const secrets = [
  /\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /(?<=:\/\/[^\s/:@]{1,200}:)[^\s/@]{1,200}(?=@)/g,
];

export function redact(text: string): string {
  return secrets.reduce((redacted, pattern) => redacted.replace(pattern, '[redacted]'), text);
}
