import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelMessageSchema, type ModelMessage } from 'ai';

/** The messages of one conversation and the file that they are kept in. */
export interface Conversation {
  readonly id: string;
  /** Whether it goes on with an earlier one. */
  readonly resumed: boolean;
  readonly messages: ModelMessage[];
  /** After each step, so that a killed runner loses no more than that. */
  save(): Promise<void>;
}

const identifier = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Goes on with the session where its file is there and can be read, else begins afresh. */
export async function openConversation(folder: string, session: string | null): Promise<Conversation> {
  const earlier = session !== null && identifier.test(session) ? await readMessages(fileOf(folder, session)) : null;
  const id = earlier === null || session === null ? randomUUID() : session;
  const messages = earlier ?? [];
  return {
    id,
    resumed: earlier !== null,
    messages,
    async save() {
      const file = fileOf(folder, id);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(`${file}.new`, JSON.stringify({ version: 1, messages }), { mode: 0o600 });
      await rename(`${file}.new`, file);
    },
  };
}

function fileOf(folder: string, id: string): string {
  return join(folder, `${id}.json`);
}

async function readMessages(file: string): Promise<ModelMessage[] | null> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as {
      readonly version?: unknown;
      readonly messages?: unknown;
    };
    const checked = modelMessageSchema.array().safeParse(kept.messages);
    return kept.version === 1 && checked.success && checked.data.length > 0 ? checked.data : null;
  } catch {
    return null;
  }
}
