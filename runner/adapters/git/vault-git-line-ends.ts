import { lineEndOf } from '#shared/domain/merge-note.ts';

/** Git may have checked a file out with other line ends than it keeps; the file as git would keep it. */
export function asCommitted(work: Buffer, committed: Buffer): Buffer {
  return isCheckedOutWithCarriageReturns(work, committed)
    ? Buffer.from(work.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
    : work;
}

/** The other way round: what was merged, with the line ends the file has in the work tree. */
export function asCheckedOut(merged: Buffer, work: Buffer, committed: Buffer): Buffer {
  return isCheckedOutWithCarriageReturns(work, committed) && lineEndOf(merged.toString('latin1')) === '\n'
    ? Buffer.from(merged.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
    : merged;
}

function isCheckedOutWithCarriageReturns(work: Buffer, committed: Buffer): boolean {
  if (!work.includes('\r\n') || work.includes(0) || !committed.includes('\n') || committed.includes('\r')) return false;
  return lineEndOf(work.toString('latin1')) === '\r\n';
}
