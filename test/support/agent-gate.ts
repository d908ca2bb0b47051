import { readdirSync, readFileSync } from 'node:fs';

/** While a file of the lab's `holds` says so, an agent waits; a sandboxed one can read that folder and nothing else of the lab. */
export const agentScript = `set -e
holds=$1
echo "began $(date +%s%3N)"
while [ -e "$holds/$OPUS_FR_ID.$OPUS_STAGE" ]; do sleep 0.05; done
[ ! -e "$holds/$OPUS_FR_ID.broken" ]
case $OPUS_STAGE in
code)
  cat "$OPUS_PROMPT_FILE" >> "$OPUS_FR_ID.txt"
  printf '{"summary":"done"}' > "$OPUS_RESULT_FILE" ;;
review)
  if [ -e "$holds/$OPUS_FR_ID.refused" ]; then
    printf '{"verdict":"fail","confidence":90,"summary":"no","issues":[{"severity":"major","message":"not yet"}]}' > "$OPUS_RESULT_FILE"
  else
    printf '{"verdict":"pass","confidence":90,"summary":"well","issues":[]}' > "$OPUS_RESULT_FILE"
  fi ;;
esac
`;

/** The script's own processes, which tell their stage and job in their arguments. */
export function agentsAtWork(script: string): string[] {
  const agents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const [shell, file, , stage = '', job = ''] = argumentsOf(pid);
      return shell === '/bin/sh' && file === script ? [`${job.replace(/-\d+$/, '')}.${stage}`] : [];
    });
  return [...new Set(agents)].sort();
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
