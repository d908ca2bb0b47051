/** As Obsidian's: once after the first call, or after the last with `resetTimer`. */
export function debounce<Parameters extends unknown[]>(
  action: (...parameters: Parameters) => unknown,
  timeout = 0,
  resetTimer = false,
): ((...parameters: Parameters) => unknown) & { cancel(): unknown; run(): unknown } {
  let timer: number | null = null;
  let latest: Parameters | null = null;
  const run = (): unknown => {
    const parameters = latest;
    cancel();
    return parameters === null ? undefined : action(...parameters);
  };
  const cancel = (): unknown => {
    if (timer !== null) window.clearTimeout(timer);
    timer = null;
    latest = null;
    return debounced;
  };
  const debounced = Object.assign(
    (...parameters: Parameters): unknown => {
      latest = parameters;
      if (timer !== null && resetTimer) window.clearTimeout(timer);
      if (timer === null || resetTimer) timer = window.setTimeout(run, timeout);
      return debounced;
    },
    { cancel, run },
  );
  return debounced;
}
