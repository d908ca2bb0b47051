import type { IncomingHttpHeaders } from 'node:http';
import type { WindowReading } from '../../core/ports/gateway.ts';
import { textField } from './json-fields.ts';

const minute = 60_000;
const hour = 60 * minute;

/**
 * How much of a subscription is used, as the headers of an answer tell it: as shares at Anthropic, as per cent at Codex's
 * plans. Windows of single models are left out.
 */
export function windowsOf(headers: IncomingHttpHeaders, now: number): WindowReading[] {
  const anthropic = (['5h', '7d'] as const).map((name) => {
    const prefix = `anthropic-ratelimit-unified-${name}`;
    return reading(
      name === '5h' ? 5 * hour : 7 * 24 * hour,
      number(headers, `${prefix}-utilization`),
      times(number(headers, `${prefix}-reset`), 1000),
    );
  });
  const codex = ['primary', 'secondary'].map((name) => {
    const prefix = `x-codex-${name}`;
    const wait = times(number(headers, `${prefix}-reset-after-seconds`), 1000);
    return reading(
      times(number(headers, `${prefix}-window-minutes`), minute),
      times(number(headers, `${prefix}-used-percent`), 0.01),
      times(number(headers, `${prefix}-reset-at`), 1000) ?? (wait === null ? null : now + wait),
    );
  });
  return [...anthropic, ...codex].filter((window) => window !== null);
}

function reading(lengthMs: number | null, share: number | null, resetsAt: number | null): WindowReading | null {
  return lengthMs === null || lengthMs === 0 || share === null ? null : { lengthMs, share, resetsAt };
}

function number(headers: IncomingHttpHeaders, name: string): number | null {
  const text = textField(headers, name)?.trim() ?? '';
  return /^\d{1,15}(?:\.\d+)?$/.test(text) ? Number(text) : null;
}

function times(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}
