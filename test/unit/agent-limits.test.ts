import { describe, expect, it } from 'vitest';
import type { AgentProfile } from '../../runner/core/ports/agent.ts';
import type { RunnerConfig } from '../../runner/core/configuration.ts';
import { requireWithinLimits } from '../../runner/engine/stages/run-agent.ts';

const profile = {
  path: 'agents/coder.md',
  driver: 'claude',
  network: ['a.example'],
  env: ['CI'],
} as unknown as AgentProfile;
const config = {
  limits: { drivers: null, network: null },
  models: { anthropic: { key: { kind: 'env', name: 'KEY' } }, house: { key: null } },
  repos: {
    app: { github: { credentials: { kind: 'token', token: { kind: 'env', name: 'TOKEN' } } } },
    web: { github: null },
  },
  notify: { phone: { url: { kind: 'plain', text: 'https://a.example' }, token: { kind: 'env', name: 'PUSH' } } },
  engine: { kind: 'embedded' },
} as unknown as RunnerConfig;

describe('what opus.yml allows an agent', () => {
  it('is all that it does not forbid', () => {
    expect(() => {
      requireWithinLimits(profile, config);
    }).not.toThrow();
  });

  it.each(['KEY', 'TOKEN', 'PUSH'])('is never a variable that holds one of its secrets: %s', (name) => {
    expect(() => {
      requireWithinLimits({ ...profile, env: ['CI', name] }, config);
    }).toThrow(`passes ${name} to its agent, which holds a secret`);
  });

  it('is no other driver and no other host than it names', () => {
    const limits = { ...config.limits, drivers: ['codex'], network: ['b.example'] } as RunnerConfig['limits'];
    expect(() => {
      requireWithinLimits(profile, { ...config, limits });
    }).toThrow('does not allow the driver "claude"');
    expect(() => {
      requireWithinLimits(profile, { ...config, limits: { ...limits, drivers: null } });
    }).toThrow('does not allow a.example');
  });
});
