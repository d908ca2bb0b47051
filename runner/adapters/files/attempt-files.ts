import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders of attempts and their logs under the data folder. */
export function createAttemptFiles(dataFolder: string) {
  const attempts = join(dataFolder, 'attempts');
  return {
    async folder(job: string, attempt: string): Promise<string> {
      const folder = join(attempts, job, attempt);
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    },
    async stateFolder(job: string, agent: string): Promise<string> {
      const folder = join(attempts, job, `state-${agent}`);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    },
    logFile: (job: string, attempt: string): string => join(logFolder(dataFolder, job), `${attempt}.log`),
    async jobs(): Promise<string[]> {
      const entries = await readdir(attempts, { withFileTypes: true }).catch(() => []);
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    },
    async removeJob(job: string): Promise<void> {
      await rm(join(attempts, job), { recursive: true, force: true });
    },
  };
}

export function logFolder(dataFolder: string, job: string): string {
  return join(dataFolder, 'logs', job);
}
