const newline = 0x0a;
const carriageReturn = 0x0d;
const dataField = Buffer.from('data:');

/**
 * Reads server-sent events as they arrive, whatever pieces they arrive in. `onData` gets each event's data; an event
 * beyond `mostBytes` is passed over.
 */
export function eventStreamReader(mostBytes: number, onData: (data: string) => void): (chunk: Buffer) => void {
  let pieces: Buffer[] = [];
  let pending = 0;
  let data: string[] = [];

  const readLine = (line: Buffer): void => {
    const end = line.at(-1) === carriageReturn ? line.length - 1 : line.length;
    if (end === 0) {
      if (data.length > 0) onData(data.join('\n'));
      data = [];
    } else if (line.subarray(0, dataField.length).equals(dataField)) {
      data.push(line.toString('utf8', line[dataField.length] === 0x20 ? 6 : 5, end));
    }
  };

  return (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const rest = chunk.subarray(start, end);
      if (pending <= mostBytes) readLine(pieces.length === 0 ? rest : Buffer.concat([...pieces, rest]));
      pieces = [];
      pending = 0;
      start = end + 1;
    }
    if (start === chunk.length) return;
    pending += chunk.length - start;
    if (pending <= mostBytes) pieces.push(chunk.subarray(start));
    else pieces = [];
  };
}
