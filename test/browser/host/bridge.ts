/** What the page asks of the program that drives it, which has the vault's folder and no browser's limits. */
export interface Bridge {
  /** All files and folders below the vault, without the configuration folder. */
  list(): Promise<readonly Entry[]>;
  read(path: string): Promise<string>;
  /** In base64, which is what the way to the page carries. */
  readBytes(path: string): Promise<string>;
  /** With `expect` nothing is written where the file's text is another one, and the answer is null. */
  write(path: string, text: string, expect?: string): Promise<Entry | null>;
  makeFolder(path: string): Promise<Entry>;
  remove(path: string): Promise<void>;
  move(from: string, to: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Obsidian's own requests, which know no origin. */
  request(request: OutsideRequest): Promise<OutsideResponse>;
  /** Opened in the system's browser. */
  openOutside(url: string): Promise<void>;
  /** Something that would have failed inside Obsidian, whoever catches it. */
  report(problem: string): Promise<void>;
}

export interface Entry {
  readonly path: string;
  readonly isFolder: boolean;
  readonly ctime: number;
  readonly mtime: number;
  readonly size: number;
}

export interface OutsideRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface OutsideResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** The one function that the program puts into the page. */
export const bridgeName = 'opusBridge';

type Ask = (method: string, parameters: unknown[]) => Promise<unknown>;

export const bridge = new Proxy({} as Bridge, {
  get:
    (_, method: string) =>
    (...parameters: unknown[]) =>
      (window as unknown as Record<string, Ask>)[bridgeName]?.(method, parameters),
});
