import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayRefusal } from '../../runner/core/ports/gateway.ts';
import type { SandboxEnding } from '../../runner/core/ports/sandbox.ts';
import type { AcpName } from './acp-clis.ts';

export const transcriptsFolder = join(import.meta.dirname, '..', 'fixtures', 'transcripts');

/** Of one run: the first line of its file. */
export interface AcpRecord {
  readonly agent: AcpName;
  readonly version: string;
  readonly case: string;
  readonly run: number;
  /** The conversation that it was to go on with. */
  readonly session: string | null;
  readonly ending: SandboxEnding;
  readonly exitCode: number | null;
  /** What the driver made of it: the kind of its outcome, or the code of its error. */
  readonly end: string;
  /** What the gateway had refused by then. */
  readonly refusal: GatewayRefusal | null;
  /** What the agent left in its result file. */
  readonly result: string | null;
}

/** One message of the protocol, or what else the agent printed; the other lines, in the order in which they went. */
export type AcpLine =
  | { readonly from: 'agent' | 'client'; readonly message: Readonly<Record<string, unknown>> }
  | { readonly from: 'agent'; readonly noise: string }
  /** So many further updates of the kind of the last one. */
  | { readonly leftOut: number };

export interface AcpTranscript extends AcpRecord {
  readonly lines: readonly AcpLine[];
}

/** A case's name, with `-1` or `-2` where it took two runs. */
export function acpTranscriptNames(agent: AcpName): string[] {
  const folder = join(transcriptsFolder, agent);
  return existsSync(folder) ? readdirSync(folder).map((file) => file.replace(/\.jsonl$/, '')) : [];
}

export function readAcpTranscript(agent: AcpName, name: string): AcpTranscript {
  const [header = '', ...rest] = readFileSync(join(transcriptsFolder, agent, `${name}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');
  const { recorded } = JSON.parse(header) as { recorded: AcpRecord };
  return { ...recorded, lines: rest.map((line) => JSON.parse(line) as AcpLine) };
}
