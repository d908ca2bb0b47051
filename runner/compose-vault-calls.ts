import { OpusError } from '#shared/domain/errors.ts';
import type { BroughtByPlugins, ServiceCalls } from './service-calls.ts';
import type { Caller, ServerApplication } from './server/server-application.ts';

export function vaultCalls({
  pluginVault,
}: ServiceCalls): Pick<ServerApplication, 'vault.bundle' | 'vault.applied' | 'vaultWriters'> {
  return {
    vaultWriters: pluginVault?.desk ?? null,
    'vault.bundle': async (params, { caller }) => await required(pluginVault).bundle(deviceOf(caller), params),
    'vault.applied': async (params, { caller }) => {
      await required(pluginVault).applied(deviceOf(caller), params);
      return {};
    },
  };
}

function required(pluginVault: BroughtByPlugins | null): BroughtByPlugins {
  if (pluginVault !== null) return pluginVault;
  throw new OpusError('protocol.invalid', 'This runner reads and writes the vault by itself.', {
    hint: 'Nothing is to be brought to it. A vault that is elsewhere has `vault: { writer: plugin }` in opus.yml.',
  });
}

function deviceOf({ device }: Caller): string {
  return device?.id ?? 'command line';
}
