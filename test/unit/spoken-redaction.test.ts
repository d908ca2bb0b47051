import { describe, expect, it } from 'vitest';
import { answerRedaction } from '../../runner/adapters/gateway/spoken-redaction.ts';
import { createRedaction } from '../../runner/core/blank-out.ts';

const secret = 'sesame-open-0123456789';
const stream = 'text/event-stream; charset=utf-8';
const event = (data: unknown): string => `event: piece\ndata: ${JSON.stringify(data)}\n\n`;
const say = (text: string): string => event({ delta: { text } });

/** What comes out, and what it says, of a stream that arrives in these chunks. */
function passed(chunks: readonly string[]) {
  const redacted = answerRedaction(createRedaction([secret]), secret, stream);
  const atOnce = chunks.map((chunk) => String(redacted.push(Buffer.from(chunk))));
  const all = [...atOnce, String(redacted.end())];
  const events = all
    .join('')
    .split('\n\n')
    .filter((text) => text.includes('data: {'));
  const spoken = events.map((text) => {
    const data = JSON.parse(text.replace(/^[^]*?data: /, '')) as { delta?: { text?: string } };
    return data.delta?.text ?? '';
  });
  return { atOnce, whole: all.join(''), spoken: spoken.join('') };
}

describe('what a model says in pieces', () => {
  it.each([1, 2, 3, 7, 21])('holds no secret, however it is cut: by %d', (length) => {
    const text = `It is ${secret}, and ${secret}${secret}.`;
    const pieces = text.match(new RegExp(`.{1,${length}}`, 'g')) ?? [];
    const { spoken } = passed(pieces.map(say));
    // Three characters may have gone ahead.
    expect(spoken.replaceAll(/s(?:es?)?\*/g, (told) => '*'.repeat(told.length))).toBe(
      text.replaceAll(/[-a-z]+\d+/g, (found) => '*'.repeat(found.length)),
    );
  });

  it('does not wait for more after a word that ends like the beginning of one', () => {
    expect(passed([say('his'), say(' horses'), say('ame-open-0123456789')]).atOnce).toEqual([
      say('his'),
      say(' horses'),
      say('*******************'),
    ]);
  });

  it('is found whatever comes between, and wherever the chunks end', () => {
    const ping = event({ type: 'ping' });
    const whole = [say('a sesame-'), ': comment\n\n', ping, say('open-0123'), ping, say('456789 z')].join('');
    for (const length of [1, 5, 40]) {
      const { whole: out } = passed(whole.match(new RegExp(`[^]{1,${length}}`, 'g')) ?? []);
      const expected = [say('a *******'), ': comment\n\n', ping, say('*********'), ping, say('****** z')].join('');
      expect(out).toBe(expected);
    }
  });

  it('passes at once, byte for byte, where nothing begins like a secret', () => {
    const odd = 'event:piece\r\ndata:{"delta" : {"text":"\\u0061bc"}}\r\n\r\n';
    const texts = [say('one'), odd, 'data: [DONE]\n\n', ': nothing\n\n'];
    expect(passed(texts.slice(0, 2)).atOnce).toEqual(texts.slice(0, 2));
    const redacted = answerRedaction(createRedaction([secret]), secret, stream);
    expect(texts.map((text) => String(redacted.push(Buffer.from(text))))).toEqual(texts);
  });

  it('is let go when it turns out to be something else', () => {
    const end = event({ type: 'end' });
    expect(passed([say('open sesame-'), say('street'), end]).atOnce).toEqual([
      '',
      say('open sesame-') + say('street'),
      end,
    ]);
    expect(passed([say('open sesame-'), end]).atOnce).toEqual(['', say('open sesame-') + end]);
    expect(passed([say('open sesame-')]).whole).toBe(say('open sesame-'));
  });

  it('keeps two places of an event apart', () => {
    const both = (text: string, other: string): string => event({ delta: { text }, other: [{ text: other }] });
    const { whole } = passed([both('sesame-open', 'one'), both('two', '-0123456789')]);
    expect(whole).toBe(both('sesame-open', 'one') + both('two', '-0123456789'));
  });
});
