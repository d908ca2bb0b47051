/** Keys of effects by which it is known what became of an issue; `repository` is its name in opus.yml. */
export function issueKeys(repository: string, number: number) {
  const imported = `issue/${repository}/${number}`;
  return {
    imported,
    firstText: `${imported}/first-text`,
    edited: `${imported}/edited`,
    closed: `${imported}/closed`,
    text: (hash: string): string => `${imported}/text/${hash}`,
  };
}
