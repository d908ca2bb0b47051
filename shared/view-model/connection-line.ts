import type { Role } from '../protocol/roles.ts';
import { relativeTime } from './formats.ts';
import type { RunnerState } from './runner-state.ts';

/** So long after something was heard the connection may come back without anybody being told. */
const patienceMs = 4_000;

export interface ConnectionLine {
  readonly tone: 'good' | 'busy' | 'bad';
  readonly sentence: string;
  /** What a person does about it; null when there is nothing to do. */
  readonly todo: string | null;
  /** What a button beside it does. */
  readonly action: 'pair' | 'try-again' | null;
  /** Who one is to the runner, and what that allows; null before it said so. */
  readonly allowed: string | null;
}

const allows: Readonly<Record<Role, string>> = {
  viewer: 'may look at everything and change nothing',
  operator: 'may start, pause, answer and cancel, and leaves decisions to others',
  approver: 'may start, pause, cancel and decide',
  admin: 'may do everything',
};

/** Whether the runner is to be shown as dead; a short break is not. `now` is this device's. */
export function isDead({ connection }: Pick<RunnerState, 'connection'>, now: number): boolean {
  if (connection.kind !== 'lost') return false;
  return connection.lastHeardAt === null || now - connection.lastHeardAt >= patienceMs;
}

export function connectionLine(state: RunnerState, now: number): ConnectionLine {
  const { connection, hello } = state;
  const name = hello?.runnerName ?? 'the runner';
  const allowed = hello === null ? null : `${hello.person} on ${hello.device} ${allows[hello.role]}.`;
  const busy = (sentence: string): ConnectionLine => ({ tone: 'busy', sentence, todo: null, action: null, allowed });
  switch (connection.kind) {
    case 'unpaired':
      return {
        tone: 'bad',
        sentence: 'No runner is paired with this device.',
        todo: 'Run `opus pair` where the runner is, and open the link that it prints.',
        action: 'pair',
        allowed: null,
      };
    case 'connecting':
      return busy(`Connecting to ${name}.`);
    case 'connected':
      return { tone: 'good', sentence: `Connected to ${name}.`, todo: null, action: null, allowed };
    case 'lost':
      if (!isDead(state, now)) return busy(`Connecting to ${name} again.`);
      return {
        tone: 'bad',
        sentence:
          connection.lastHeardAt === null
            ? `${capital(name)} does not answer.`
            : `${capital(name)} does not answer. It was last heard ${relativeTime(connection.lastHeardAt, now)}.`,
        todo: `Look whether it runs, with \`opus status\` on its machine, and whether this device has a network. ${nextTry(connection.nextTryAt, now)}`,
        action: 'try-again',
        allowed,
      };
    case 'refused':
      return { tone: 'bad', sentence: connection.sentence, allowed, ...refusals[connection.reason] };
  }
}

const refusals = {
  unauthorized: {
    todo: 'Run `opus pair` where the runner is, and open the link that it prints.',
    action: 'pair',
  },
  version: { todo: 'Update what is older, then try again.', action: 'try-again' },
  address: { todo: 'Correct the address in the settings, or pair again.', action: 'pair' },
} as const;

function nextTry(at: number, now: number): string {
  return at <= now ? 'It is being tried now.' : `It is tried again ${relativeTime(at, now)}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
