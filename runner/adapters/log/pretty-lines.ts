import { prettyFactory } from 'pino-pretty';

/** Escape sequences of agents and repositories must not reach a terminal; line ends and tabs may. */
// eslint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** JSON lines as a person reads them. */
export function prettyLines(colours: boolean): (line: string) => string {
  const format = prettyFactory({
    colorize: colours,
    // The file has the rest.
    include: 'level,time,err',
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
    messageFormat: (fields, messageKey) => {
      const about = typeof fields['job'] === 'string' ? fields['job'] : '';
      const said = fields[messageKey];
      const message = typeof said === 'string' ? said : '';
      return about === '' || message.startsWith(about) ? message : `${about}  ${message}`;
    },
  });
  return (line) => {
    const fields: unknown = JSON.parse(line, (_key, value: unknown) =>
      typeof value === 'string' ? value.replaceAll(controls, '') : value,
    );
    return format(fields);
  };
}
