import { encode } from 'uqr';
import { OpusError } from '#shared/domain/errors.ts';
import type { MethodResult } from '#shared/protocol/methods.ts';
import type { Role } from '#shared/protocol/roles.ts';
import { createOffer, ownUrl } from '../compose-device-calls.ts';
import { composeDevices } from '../compose-devices.ts';
import type { CommonOptions } from './command-context.ts';
import { locateConfig, type LocatedConfig } from './configuration.ts';
import { askServiceOrNull } from './service-or-null.ts';
import { besideJson, printJson, type Terminal } from './terminal.ts';
import { thisPerson } from './work-on-job.ts';

export interface PairOptions extends CommonOptions {
  readonly role: Role;
  readonly person?: string;
}

type Offer = MethodResult<'pairing.create'>;

/** A link, a QR code of it, and a code, by which one device may connect from now on. */
export async function pair(terminal: Terminal, options: PairOptions): Promise<number> {
  const located = locateConfig(terminal, options.config);
  const person = (options.person ?? thisPerson(terminal).person).trim();
  if (person === '' || person.length > 120) {
    throw new OpusError('config.usage', '--person must be a name of at most 120 characters.', {
      hint: located.command('pair --person NAME'),
    });
  }
  const asked = await askServiceOrNull(located.config.data, 'pairing.create', { role: options.role, person });
  const offer = asked ?? (await offerHere(located, { role: options.role, person }));
  const beside = besideJson(terminal, options.json === true);
  if (options.json === true) printJson(terminal, { ...offer, person, dashboard: pageOf(offer) });
  else for (const line of offerLines(terminal, offer, person, located)) terminal.out(line);
  for (const warning of warnings(offer, asked !== null, located)) {
    beside.err(`${beside.paint('err', 'yellow', 'warning')} ${warning}`);
  }
  return 0;
}

async function offerHere(
  { config }: LocatedConfig,
  { role, person }: { readonly role: Role; readonly person: string },
): Promise<Offer> {
  const opened = await composeDevices(config);
  try {
    return createOffer(opened.pairing, { role, person, url: config.server.publicUrl ?? ownUrl(config.server) });
  } finally {
    opened.close();
  }
}

function offerLines(terminal: Terminal, offer: Offer, person: string, { command }: LocatedConfig): string[] {
  const bold = (text: string): string => terminal.paint('out', 'bold', text);
  const until = new Date(offer.expiresAt).toTimeString().slice(0, 5);
  return [
    `${bold('Pair a device')} as ${offer.role} for ${person}`,
    '',
    ...qrLines(terminal, offer.link),
    '',
    'Scan this with the device, or open the link there; Obsidian asks, and pairs:',
    `  ${offer.link}`,
    'Or in Obsidian: Settings → Opus Orchestrator → Pair, and write',
    `  address  ${bold(offer.url)}`,
    `  code     ${bold(offer.code)}`,
    'Or without Obsidian, on the dashboard in a browser:',
    `  ${pageOf(offer)}`,
    '',
    `The code is good for one device, until ${until}. Another one: ${command('pair')}`,
    `Which are paired: ${command('devices list')}`,
  ];
}

/** The dashboard takes the code out of its address at once. */
function pageOf({ url, code }: Offer): string {
  return `${url.replace(/\/+$/, '')}/#pair=${code}`;
}

/** Two rows of modules in a line of text. Black on white where there are colours; else the light modules are what is printed. */
function qrLines(terminal: Terminal, text: string): string[] {
  const coloured = terminal.paint('out', 'black', 'x') !== 'x';
  const { data, size } = encode(text, { ecc: 'L', border: 2 });
  const prints = (row: number, column: number): boolean => (data[row]?.[column] ?? false) === coloured;
  const rows = Array.from({ length: Math.ceil(size / 2) }, (_, index) => 2 * index);
  return rows.map((row) => {
    const line = Array.from({ length: size }, (_, column) => {
      const upper = prints(row, column);
      const lower = prints(row + 1, column);
      if (upper) return lower ? '█' : '▀';
      return lower ? '▄' : ' ';
    }).join('');
    return coloured ? terminal.paint('out', ['black', 'bgWhiteBright'], line) : line;
  });
}

function warnings({ url }: Offer, isServing: boolean, { command }: LocatedConfig): string[] {
  const found: string[] = [];
  if (['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)) {
    found.push(
      `Only this machine reaches ${url}. For a phone or another computer write the address by which it reaches this ` +
        'machine as server.publicUrl in opus.yml, and start the service again; docs/wire.md shows how.',
    );
  }
  if (!isServing) found.push(`No service runs here, so nobody answers at that address yet: ${command('serve')}`);
  return found;
}
