import type { ModelConfig } from '../../core/configuration.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Gateway } from '../../core/ports/gateway.ts';
import type { Log } from '../../core/ports/log.ts';
import { openAccess, type Access } from './access.ts';
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
  /** Milliseconds that an answer is read on, for its count, when the agent has gone away. */
  readonly drainMs?: number;
  /** Milliseconds that closing waits for such answers. */
  readonly closeMs?: number;
}

const defaultDrainMs = 60_000;
const defaultCloseMs = 3_000;

export function createGateway(options: GatewayOptions): Gateway {
  const { clock, log } = options;
  const connections = createConnections(options);
  const { drainMs = defaultDrainMs, closeMs = defaultCloseMs } = options;
  const accesses = new Set<Access>();
  return {
    open: async (request) => {
      const names = [...new Set(request.endpoints)];
      const endpoints = names.map((name) => openEndpoint(name, options.models, options.resolveSecret));
      const priceOf = await loadPrices();
      const access = await openAccess({ request, endpoints, connections, priceOf, clock, log, drainMs });
      accesses.add(access);
      return {
        socketPath: access.socketPath,
        pathOf: (endpoint) => access.pathOf(endpoint),
        refusal: () => access.refusal(),
        close: async () => {
          await access.close();
          void access.settled().then(() => accesses.delete(access));
        },
      };
    },
    close: async () => {
      const open = [...accesses];
      await Promise.all(open.map((access) => access.close()));
      const settled = Promise.all(open.map((access) => access.settled()));
      await within(closeMs, settled);
      for (const access of open) access.cut('The runner ends.');
      await settled;
      accesses.clear();
      connections.plain.destroy();
      connections.secure.destroy();
    },
  };
}

async function within(milliseconds: number, settled: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([settled, over]);
  clearTimeout(timer);
}
