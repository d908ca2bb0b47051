import type { ModelConfig } from '../../core/configuration.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Gateway, GatewayAccess } from '../../core/ports/gateway.ts';
import type { Log } from '../../core/ports/log.ts';
import { openAccess } from './access.ts';
import { openEndpoint, type ResolveSecret } from './endpoints.ts';
import { loadPrices } from './prices.ts';
import { createConnections } from './provider-request.ts';

export interface GatewayOptions {
  /** `models` of opus.yml; looked at anew for each attempt. */
  readonly models: Readonly<Record<string, ModelConfig>>;
  /** Read for each attempt, so that a key can be replaced without a restart. Throws `config.secret-missing`. */
  readonly resolveSecret: ResolveSecret;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds for a connection to a provider. */
  readonly connectMs?: number;
  /** Milliseconds that a provider may be silent. */
  readonly idleMs?: number;
}

export function createGateway(options: GatewayOptions): Gateway {
  const { clock, log } = options;
  const connections = createConnections(options);
  const accesses = new Set<GatewayAccess>();
  return {
    open: async (request) => {
      const names = [...new Set(request.endpoints)];
      const endpoints = names.map((name) => openEndpoint(name, options.models, options.resolveSecret));
      const priceOf = await loadPrices();
      const access = await openAccess({ request, endpoints, connections, priceOf, clock, log });
      accesses.add(access);
      return {
        ...access,
        close: async () => {
          accesses.delete(access);
          await access.close();
        },
      };
    },
    close: async () => {
      await Promise.all([...accesses].map((access) => access.close()));
      accesses.clear();
      connections.plain.destroy();
      connections.secure.destroy();
    },
  };
}
