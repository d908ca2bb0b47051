import { BlockList, isIP } from 'node:net';
import { OpusError } from '#shared/domain/errors.ts';

export interface AllowedHost {
  /** Lower case; an address without brackets. */
  readonly host: string;
  /** Null = any. */
  readonly port: number | null;
}

/** `host`, `host:port`, `*.host` for every host below it, an address, `[v6]` or `[v6]:port`. */
export function parseAllowedHost(entry: string): AllowedHost {
  const text = entry.trim().toLowerCase();
  if (isIP(text) === 6) return { host: normalHost(text), port: null };
  const match = /^(?:\[([0-9a-f:.]+)\]|((?:\*\.)?[a-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? null : Number(match[3]);
  const isValid = host !== undefined && (match?.[1] === undefined || isIP(host) === 6);
  if (!isValid || (port !== null && (port < 1 || port > 65_535))) {
    throw new OpusError('config.invalid', `${JSON.stringify(entry)} is no host that the network can be opened to.`, {
      hint: 'Write a host name, or a host name and a port: packages.example.org, or localhost:4873.',
    });
  }
  return { host: normalHost(host), port };
}

/** One spelling for one host: lower case, no final dot, addresses as the platform writes them. */
export function normalHost(host: string): string {
  const bare = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
  if (isIP(bare) !== 6) return bare;
  return new URL(`http://[${bare}]/`).hostname.slice(1, -1);
}

export interface Permission {
  readonly isAllowed: boolean;
  /** Whether the entry names this machine's own or a neighbouring address on purpose. */
  readonly mayBeLocal: boolean;
}

export function permission(host: string, port: number, entries: readonly AllowedHost[]): Permission {
  const matching = entries.filter((entry) => names(entry, host) && (entry.port === null || entry.port === port));
  const isMeant = matching.some(
    (entry) =>
      (entry.port !== null && !entry.host.startsWith('*.')) || isIP(entry.host) !== 0 || entry.host === 'localhost',
  );
  return { isAllowed: matching.length > 0, mayBeLocal: isMeant };
}

function names(entry: AllowedHost, host: string): boolean {
  if (!entry.host.startsWith('*.')) return entry.host === host;
  return isIP(host) === 0 && host.endsWith(entry.host.slice(1)) && host.length > entry.host.length - 1;
}

/** Loopback, link-local (cloud metadata among it) and unspecified addresses, in whichever notation. */
export function isLocalAddress(address: string): boolean {
  const family = isIP(address);
  return family === 0 || localAddresses().check(address, family === 4 ? 'ipv4' : 'ipv6');
}

function localAddresses(): BlockList {
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addSubnet('0.0.0.0', 8, 'ipv4');
  list.addSubnet('169.254.0.0', 16, 'ipv4');
  list.addAddress('255.255.255.255', 'ipv4');
  list.addAddress('::1', 'ipv6');
  list.addAddress('::', 'ipv6');
  list.addSubnet('fe80::', 10, 'ipv6');
  // Addresses of version 4 written as version 6: BlockList compares mapped ones itself, these it does not know.
  list.addSubnet('64:ff9b::7f00:0', 104, 'ipv6');
  list.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
  return list;
}
