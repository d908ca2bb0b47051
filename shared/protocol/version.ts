/** Raised when a message of one version could be misread by the other; the address carries it. */
export const protocolVersion = 1;

export const rpcPath = `/api/v${protocolVersion}/rpc`;

/** What happens in a job as it happens: a LiveMessage a line, until the job rests. */
export function outputPath(job: string): string {
  return `/api/v${protocolVersion}/jobs/${job}/output`;
}
