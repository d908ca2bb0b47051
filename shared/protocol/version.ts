/** Raised when a message of one version could be misread by the other; the address carries it. */
export const protocolVersion = 1;

export const rpcPath = `/api/v${protocolVersion}/rpc`;
