import { protocolVersion } from '#shared/protocol/version.ts';

export type Negotiated =
  | { readonly kind: 'agreed'; readonly protocol: number }
  /** The sentence says which side to update. */
  | { readonly kind: 'refused'; readonly sentence: string };

/** The version before the own is spoken, too, and the older of both counts. A client that is newer by one speaks ours. */
export function negotiate(asked: number, own: number = protocolVersion): Negotiated {
  const theirs = `It speaks version ${asked} of the protocol, this runner version ${own}`;
  if (asked > own + 1) return { kind: 'refused', sentence: `${theirs}: update the runner.` };
  if (asked < Math.max(1, own - 1)) return { kind: 'refused', sentence: `${theirs}: update the plugin.` };
  return { kind: 'agreed', protocol: Math.min(asked, own) };
}
