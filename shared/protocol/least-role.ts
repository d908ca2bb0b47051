import type { MethodName } from './methods.ts';
import { roles, type Role } from './roles.ts';

const [viewer, operator, approver, admin] = roles;

/** The least role for each method. The server enforces it; a client hides what it may not do by it. */
export const leastRole = {
  'board.get': viewer,
  'fr.dispatch': operator,
  'fr.dispatch-all': operator,
  'fr.validate': viewer,
  'fr.set': operator,
  'runner.status': viewer,
  'runner.pause': operator,
  'runner.resume': operator,
  'runner.drain': operator,
  'runner.reload': admin,
  'job.list': viewer,
  'job.get': viewer,
  'job.log': viewer,
  'job.diff': viewer,
  'job.comment': approver,
  'job.cancel': operator,
  'job.pause': operator,
  'job.resume': operator,
  'job.retry': operator,
  'job.revert': approver,
  'job.unblock': operator,
  // These two write into folders of the runner's machine.
  'job.checkout': admin,
  'job.return': admin,
  'approval.decide': approver,
  'question.answer': operator,
  'events.since': viewer,
  'backup.create': admin,
  'output.subscribe': viewer,
  'output.unsubscribe': viewer,
  'trust.list': viewer,
  'trust.confirm': admin,
  // Who brings the notes brings the decisions that are written in them.
  'vault.bundle': approver,
  'vault.applied': approver,
  'pairing.create': admin,
  // Whoever knows a code may; see its params.
  'device.pair': viewer,
  'device.unpair': viewer,
  'device.list': admin,
  'device.revoke': admin,
} as const satisfies Record<MethodName, Role>;

export function mayCall(role: Role, method: MethodName): boolean {
  return roles.indexOf(role) >= roles.indexOf(leastRole[method]);
}
