// What the demo agent has prepared for the feature requests of the example vault. The edits are whole files
// under edits/; an edit with `answers` is chosen only when an open review issue in the prompt says that.
export const prepared = {
  'FR-001': {
    plan: {
      summary: 'Read a span part by part and add the parts up; what format writes must be readable again.',
      steps: [
        { title: 'Match every part of the text, not one', files: ['src/parse.js'] },
        { title: 'Test compound spans and the way back from format', files: ['test/compound.test.js'] },
      ],
      risks: ['Text between two parts could slip through.'],
    },
    edits: [
      { folder: 'FR-001/1-first', summary: 'parse adds up every part it finds in the text.' },
      {
        folder: 'FR-001/2-mended',
        answers: /accepts text it does not understand/,
        summary: 'parse checks the whole text before it adds anything up; text between parts is refused and tested.',
      },
    ],
    probes: [
      { call: 'parse', args: ['1h 30m'], returns: 5_400_000 },
      ...['1h oops 30m', '1h, 30m', 'about 2m'].map((text) => ({ call: 'parse', args: [text], throws: 'TypeError' })),
    ],
  },
  'FR-002': {
    plan: {
      summary: 'Round to the last part that is shown, then write at most that many parts.',
      steps: [
        { title: 'Take { parts } in format and round before cutting', files: ['src/format.js'] },
        { title: 'Test rounding across a unit and refused limits', files: ['test/parts.test.js'] },
      ],
    },
    edits: [{ folder: 'FR-002/1-first', summary: 'format takes { parts } and rounds to the last part shown.' }],
    probes: [
      { call: 'format', args: [3_599_000, { parts: 1 }], returns: '1h' },
      { call: 'format', args: [5_400_000], returns: '1h 30m' },
      { call: 'format', args: [1, { parts: 0 }], throws: 'RangeError' },
    ],
  },
  'FR-003': {
    plan: {
      summary: 'Allow one sign before the whole span.',
      steps: [
        { title: 'Read the sign and apply it to the sum', files: ['src/parse.js'] },
        { title: 'Test signs in the right and in the wrong place', files: ['test/sign.test.js'] },
      ],
    },
    edits: [{ folder: 'FR-003/1-first', summary: 'parse reads a sign before the whole span.' }],
    probes: [
      { call: 'parse', args: ['-1h 30m'], returns: -5_400_000 },
      { call: 'parse', args: ['1h -30m'], throws: 'TypeError' },
    ],
  },
};

/** What review says of a probe that was not answered as the README promises, by what went wrong. */
export const findings = {
  accepted: { message: 'accepts text it does not understand', rule: 'nothing-is-guessed', looksLike: /matchAll/ },
  refused: { message: 'refuses what it must accept', rule: 'nothing-is-guessed', looksLike: /throw new/ },
  different: { message: 'gives a wrong answer', rule: 'nothing-is-guessed', looksLike: /export function/ },
};
