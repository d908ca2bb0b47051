import type { PermissionOption, RequestPermissionOutcome } from '@agentclientprotocol/sdk';
import { isAbsolute, relative, resolve } from 'node:path';
import type { AgentRequest } from '../../../core/ports/agent.ts';

/** A tool call as far as its permission depends on it. */
export interface AskedCall {
  /** The protocol's own word, as in `edit`; empty when the agent does not say. */
  readonly kind: string;
  /** Every path that it names. */
  readonly paths: readonly string[];
}

const lookingKinds = ['read', 'search', 'think', 'fetch'];
const editingKinds = ['edit', 'delete', 'move'];

/**
 * Whoever changes code may use every tool: the sandbox confines it. Whoever only looks may look, run commands, which see
 * the tree read-only, and write beside it, where the result belongs.
 */
export function isPermitted(request: Pick<AgentRequest, 'treeMode' | 'tree'>, work: string, call: AskedCall): boolean {
  if (request.treeMode === 'read-write') return true;
  if (lookingKinds.includes(call.kind) || call.kind === 'execute') return true;
  if (!editingKinds.includes(call.kind)) return false;
  return call.paths.length > 0 && call.paths.every((path) => isBelow(resolve(request.tree.path, path), work));
}

function isBelow(path: string, folder: string): boolean {
  const from = relative(folder, path);
  return from !== '' && from !== '..' && !from.startsWith('../') && !isAbsolute(from);
}

/** For this once where the agent offers that, so that the next call is asked for again. */
export function chooseOption(options: readonly PermissionOption[], permitted: boolean): RequestPermissionOutcome {
  const kinds = permitted ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always'];
  for (const kind of kinds) {
    const option = options.find((one) => one.kind === kind);
    if (option !== undefined) return { outcome: 'selected', optionId: option.optionId };
  }
  return { outcome: 'cancelled' };
}
