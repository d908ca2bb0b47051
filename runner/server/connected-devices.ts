/** Which devices are connected now, shared by the server, which knows, and the calls that ask. */
export interface ConnectedDevices {
  /** `end` is called when the device is revoked. Returns how to take the connection out. */
  add(device: string, end: () => void): () => void;
  isConnected(device: string): boolean;
  end(device: string): void;
}

export function createConnectedDevices(): ConnectedDevices {
  const connections = new Map<string, Set<() => void>>();
  return {
    add(device, end) {
      const ends = connections.get(device) ?? new Set();
      connections.set(device, ends.add(end));
      return () => {
        ends.delete(end);
        if (ends.size === 0 && connections.get(device) === ends) connections.delete(device);
      };
    },
    isConnected: (device) => connections.has(device),
    end(device) {
      for (const end of connections.get(device) ?? []) end();
    },
  };
}
