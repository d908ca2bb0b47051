import { jobLines } from './render-job.ts';
import { printJson, type Terminal } from './terminal.ts';
import { workingProcess } from './working-process.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

/** One job, and what to do next. Looking at a failed job is no failure. */
export async function showJob(terminal: Terminal, name: string, options: ReadOptions): Promise<number> {
  return await withReader(terminal, options, (reader, located) => {
    const job = reader.job(name);
    const document = reader.document(job.id);
    if (options.json === true) printJson(terminal, document);
    else
      for (const line of jobLines(
        terminal,
        document,
        {
          ...job,
          comments: reader.comments(job.id),
          isDraft: reader.isDraft(job.id),
          isWorkedOn: workingProcess(located.config.data) !== null,
        },
        located,
      ))
        terminal.out(line);
    return 0;
  });
}
