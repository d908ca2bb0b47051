/** What an agent printed is hostile: every field is looked at before it is used. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Of a tool's input or output; the conversation has the whole. */
const longestText = 20_000;
/** Of what the model says, which may be the stage's result. */
const longestSpeech = 500_000;

export function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

export function listOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, longestText) : '';
}

export function speechOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, longestSpeech) : '';
}

/** Any value as text: JSON where it is none. */
export function anyText(value: unknown): string {
  if (typeof value === 'string') return textOf(value);
  return value === undefined || value === null ? '' : textOf(JSON.stringify(value));
}

/** A count: never negative, never anything but a finite whole number. */
export function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.round(value) : 0;
}

/** The status of an HTTP answer; null for anything else. */
export function statusOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 400 && value <= 599 ? value : null;
}

/** What an error says, also where its words are the answer's whole body. */
export function errorWords(text: string): string {
  try {
    const body = objectOf(JSON.parse(text) as unknown);
    return textOf(objectOf(body['error'])['message']) || textOf(body['message']) || text;
  } catch {
    return text;
  }
}

/** The HTTP status that an error's words name, as in `unexpected status 429 Too Many Requests`. */
export function statusInText(text: string): number | null {
  const found = /\b(?:status(?:[ _]?code)?|HTTP|API Error|code)\W{0,3}([45]\d\d)\b/i.exec(text);
  return found === null ? null : Number(found[1]);
}
