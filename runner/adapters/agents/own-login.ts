import { appendFile } from 'node:fs/promises';
import { relative } from 'node:path';
import type { AgentEvent } from '#shared/domain/agent-event.ts';
import { createRedaction } from '../../core/blank-out.ts';
import { isSameShape, secretsIn } from '../../core/credential-texts.ts';
import { MalformedJson, type AgentOutcome, type AgentRequest } from '../../core/ports/agent.ts';
import type { Sandbox } from '../../core/ports/sandbox.ts';
import { putCopy, readCopy, readOriginal, removeCopy, replaceOriginal, type Original } from './credential-files.ts';

/** What an agent holds that the gateway cannot hold for it: copies of a person's credential files, for one run. */
export interface OwnLogin {
  readonly isEmpty: boolean;
  /**
   * Puts the copies below a HOME, before the agent runs; again for a run that is begun anew. `links` are folders of HOME
   * that lie elsewhere.
   */
  place(home: string, links?: Readonly<Record<string, string>>): Promise<void>;
}

/** What a driver runs an agent with. */
export interface LoginParts {
  readonly request: AgentRequest;
  readonly sandbox: Sandbox;
  readonly login: OwnLogin;
}

interface Copy {
  readonly original: Original;
  /** As it was put there last. */
  given: string;
  at: { readonly root: string; readonly place: string } | null;
}

/**
 * One run of an agent with its login: the copies are there while it runs and nowhere afterwards, and what stands in them
 * is blanked in all that it prints and answers. `run` must use the request and the sandbox that it is given.
 */
export async function withOwnLogin(
  options: { readonly home: string; readonly sandbox: Sandbox },
  request: AgentRequest,
  run: (parts: LoginParts) => Promise<AgentOutcome>,
): Promise<AgentOutcome> {
  const named = request.profile.credentials ?? [];
  if (named.length === 0) return await run({ request, sandbox: options.sandbox, login: noLogin });
  const originals = await Promise.all(named.map((one) => readOriginal(options.home, request, one)));
  const copies = originals.map((original): Copy => ({ original, given: original.text, at: null }));
  const secrets = new Set(originals.flatMap(({ text }) => secretsIn(text)));
  const { text: clean } = createRedaction([...secrets]);
  const { onEvent, onOutput } = request;
  try {
    const outcome = await run({
      login: { isEmpty: false, place: (home, links = {}) => placeAll(copies, home, links) },
      sandbox: withholding(options.sandbox, [...secrets]),
      request: {
        ...request,
        ...(onEvent
          ? {
              onEvent: (event) => {
                onEvent(blanked(event, clean) as AgentEvent);
              },
            }
          : {}),
        ...(onOutput
          ? {
              onOutput: (text) => {
                onOutput(clean(text));
              },
            }
          : {}),
      },
    });
    // It may have renewed them, and say so.
    for (const copy of copies) for (const secret of secretsIn((await left(copy)) ?? '')) secrets.add(secret);
    return blanked(outcome, createRedaction([...secrets]).text) as AgentOutcome;
  } finally {
    for (const copy of copies) await takeAway(copy, (line) => tell(request, line));
  }
}

const noLogin: OwnLogin = { isEmpty: true, place: () => Promise.resolve() };

function withholding(sandbox: Sandbox, withheld: readonly string[]): Sandbox {
  return { probe: () => sandbox.probe(), run: (request) => sandbox.run({ ...request, withheld }) };
}

async function placeAll(copies: readonly Copy[], home: string, links: Readonly<Record<string, string>>): Promise<void> {
  for (const copy of copies) {
    const { place } = copy.original;
    // An earlier run of the same attempt may have renewed it.
    const renewed = await left(copy);
    if (renewed !== null && isSameShape(copy.original.text, renewed)) copy.given = renewed;
    if (copy.at !== null) await removeCopy(copy.at.root, copy.at.place);
    const link = Object.keys(links).find((folder) => place.startsWith(`${folder}/`));
    const at = link === undefined ? { root: home, place } : { root: links[link] ?? home, place: relative(link, place) };
    await putCopy(at.root, at.place, copy.given);
    copy.at = at;
  }
}

async function left({ at }: Copy): Promise<string | null> {
  return at === null ? null : await readCopy(at.root, at.place);
}

async function takeAway(copy: Copy, say: (line: string) => Promise<void>): Promise<void> {
  const { original, at } = copy;
  if (at === null) return;
  const now = await left(copy);
  await removeCopy(at.root, at.place);
  if (now === original.text) return;
  if (!original.refresh) {
    if (now !== null && isSameShape(original.text, now))
      await say(`(the agent renewed its copy of ${original.name}; "refresh: true" in its note would keep that)`);
    return;
  }
  if (now === null || !isSameShape(original.text, now)) {
    await say(`(what the agent left of ${original.name} is not the same file with new values; it was not kept)`);
    return;
  }
  const isKept = await replaceOriginal(original, now).catch(() => false);
  await say(
    isKept
      ? `(${original.name} was renewed)`
      : `(${original.name} was changed by somebody else meanwhile, or cannot be written; what the agent renewed was not kept)`,
  );
}

async function tell({ logFile, onOutput }: AgentRequest, line: string): Promise<void> {
  onOutput?.(`${line}\n`);
  // A full disk must not end the run.
  await appendFile(logFile, `${line}\n`).catch(() => undefined);
}

function blanked(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === 'string') return clean(value);
  if (value instanceof MalformedJson) return new MalformedJson(clean(value.problem));
  if (Array.isArray(value)) return value.map((one) => blanked(one, clean));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [clean(key), blanked(one, clean)]));
}
