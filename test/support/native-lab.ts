import { createNativeDriver, type NativeDriverOptions } from '../../runner/adapters/agents/native/native-driver.ts';
import type { NativeKind } from '../../runner/adapters/agents/native/native-cli.ts';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import { gatewayTo } from './cli-models.ts';
import { driverLab, type DriverLab } from './driver-lab.ts';

/** The model that each CLI is asked for in tests. */
export const labModels: Readonly<Record<NativeKind, string>> = {
  claude: 'claude-sonnet-4-5',
  codex: 'gpt-5',
  opencode: 'mock/scripted',
  gemini: 'gemini-2.5-pro',
};

export function nativeLab(
  folder: string,
  kind: NativeKind,
  program: { readonly path: string; readonly version: string } | null,
  options: Partial<NativeDriverOptions> = {},
): DriverLab {
  const driver = createNativeDriver({
    kind,
    sandbox: createBubblewrapSandbox({ watchMs: 50 }),
    installed: () => program,
    environment: {},
    home: '/home/nobody',
    ...options,
  });
  return driverLab(folder, {
    driver,
    profile: { driver: kind },
    model: labModels[kind],
    reach: (models) => Promise.resolve(gatewayTo(models)),
  });
}
