import { describe, expect, it } from 'vitest';
import { formatGate, parseNoteDecision } from '#shared/domain/gate.ts';

describe('a decision in a note', () => {
  it.each([
    ['approve 1234e567', { kind: 'approve', hash: '1234e567', comment: '' }],
    ['Approve 1234E567', { kind: 'approve', hash: '1234e567', comment: '' }],
    ['approve merge@1234e567', { kind: 'approve', hash: '1234e567', comment: '' }],
    [' changes 1234e567 make it NICE: yes ', { kind: 'changes', hash: '1234e567', comment: 'make it NICE: yes' }],
    ['reject', { kind: 'reject', hash: '', comment: '' }],
    ['reject because of this', { kind: 'reject', hash: '', comment: 'because of this' }],
  ])('"%s" is understood', (text, decision) => {
    expect(parseNoteDecision(text)).toEqual(decision);
  });

  it.each(['', 'yes', 'approved 1234e567', 'merge 1234e567'])('"%s" is not', (text) => {
    expect(parseNoteDecision(text)).toBeNull();
  });

  it('names the gate by eight characters', () => {
    expect(formatGate({ kind: 'merge', hash: '1234e567'.repeat(5) })).toBe('merge@1234e567');
  });
});
