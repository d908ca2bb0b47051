import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '#shared/domain/duration.ts';

describe('a duration', () => {
  it.each([
    ['2h', 7_200_000],
    ['5m', 300_000],
    ['1h 30m', 5_400_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1.5s', 1_500],
    ['1d', 86_400_000],
    ['30', null],
    ['', null],
    ['h', null],
    ['-5m', null],
    ['5 m', null],
    ['2 hours', null],
  ])('%j is %s milliseconds', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each([0, 1, 999, 1_000, 61_000, 5_400_000, 90_061_001])(
    'of %i milliseconds is written as it is read',
    (milliseconds) => {
      expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
    },
  );
});
