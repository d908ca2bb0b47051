import { execa } from 'execa';
import { commandEnvironment } from './systemctl.ts';

/** A user of this machine. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Null when there is no such user. */
export async function findAccount(name: string, environment: Environment): Promise<Account | null> {
  // Whatever else getent would take for a name, a unit could not name.
  if (!/^[A-Za-z_][\w.-]*$/.test(name)) return null;
  const options = { env: commandEnvironment(environment), extendEnv: false, reject: false, stdin: 'ignore' } as const;
  const { stdout } = await execa('getent', ['passwd', name], { ...options, maxBuffer: 65_536 });
  const [found, , uid, gid, , home] = stdout.split('\n')[0]?.split(':') ?? [];
  if (found !== name || uid === undefined || gid === undefined || home === undefined) return null;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** Whether the user's services go on when nobody is logged in; null where that cannot be told. */
export async function lingers(account: Account, environment: Environment): Promise<boolean | null> {
  const options = { env: commandEnvironment(environment), extendEnv: false, reject: false, stdin: 'ignore' } as const;
  const args = ['show-user', account.name, '--property=Linger', '--value'];
  const ended = await execa('loginctl', args, { ...options, maxBuffer: 65_536 });
  return ended.failed ? null : ended.stdout.trim() === 'yes';
}
