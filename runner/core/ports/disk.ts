export interface Disk {
  /** Bytes that this process may still write in the file system of `folder`; null where that cannot be told. */
  freeBytes(folder: string): number | null;
}
