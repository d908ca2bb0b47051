import { formatDuration } from '#shared/domain/duration.ts';
import type { UsageSum, UsedShare } from '../ports/job-registry.ts';

/**
 * What was paid and used: `0.42 USD`, `0.42 USD and 1.2M tokens without a known price`, `1.2M tokens`, `1.2M tokens, 8 % of
 * the 5 h window` where a subscription pays; empty when nothing was used. It begins with `about` where a count is estimated.
 */
export function costText(totals: readonly UsageSum[]): string {
  const sum = (of: (total: UsageSum) => number): number => totals.reduce((all, total) => all + of(total), 0);
  const tokens = sum(({ usage }) => usage.input + usage.output);
  if (tokens === 0) return '';
  const subscription = sum((total) => total.subscription);
  const paid = paidText(
    tokens - subscription,
    sum(({ cost }) => cost),
    sum(({ unpriced }) => unpriced),
  );
  const about = totals.some(({ estimated }) => estimated > 0) ? 'about ' : '';
  if (subscription === 0) return `${about}${paid}`;
  const used = `${shortCount(subscription)} tokens`;
  const shares = sharesText(totals.flatMap((total) => total.shares));
  return `${about}${paid === '' ? used : `${paid} and ${used} of a subscription`}${shares}`;
}

function paidText(tokens: number, dollars: number, unpriced: number): string {
  if (tokens === 0) return '';
  if (unpriced === 0) return dollarText(dollars);
  if (unpriced >= tokens) return `${shortCount(tokens)} tokens`;
  return `${dollarText(dollars)} and ${shortCount(unpriced)} tokens without a known price`;
}

/** Of each subscription's shortest window, which is the one that is used up first. */
function sharesText(shares: readonly UsedShare[]): string {
  const endpoints = [...new Set(shares.map(({ endpoint }) => endpoint))];
  const texts = endpoints.map((endpoint) => {
    const own = shares.filter((share) => share.endpoint === endpoint);
    const lengthMs = Math.min(...own.map((share) => share.lengthMs));
    const share = own.filter((each) => each.lengthMs === lengthMs).reduce((all, each) => all + each.share, 0);
    const whose = endpoints.length === 1 ? '' : ` of ${endpoint}`;
    return `, ${percentText(share)} of the ${windowText(lengthMs)} window${whose}`;
  });
  return texts.join('');
}

/** `8 %`; what is less than half a per cent is `<1 %`. */
export function percentText(share: number): string {
  return share < 0.005 ? '<1 %' : `${Math.round(share * 100)} %`;
}

/** `5 h`, `7 d`. */
export function windowText(lengthMs: number): string {
  return formatDuration(lengthMs).replaceAll(/(\d)([a-z])/g, '$1 $2');
}

export function dollarText(dollars: number): string {
  return `${dollars < 0.01 && dollars > 0 ? '<0.01' : dollars.toFixed(2)} USD`;
}

export function shortCount(count: number): string {
  if (count < 1_000) return String(count);
  return count < 1_000_000 ? `${(count / 1_000).toFixed(1)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}
