import { useEffect, useState } from 'preact/hooks';
import type { DeviceDocument } from '../../shared/protocol/method-results.ts';
import { roles, type Role } from '../../shared/protocol/roles.ts';
import type { MethodResult } from '../../shared/protocol/methods.ts';
import { ActionButton, tellError } from '../../shared/view/frame/action-button.tsx';
import { Copyable } from '../../shared/view/frame/copyable.tsx';

import { elapsed, relativeTime, sentenceCase } from '../../shared/view-model/formats.ts';
import { useHost, useNow, useRunnerState } from '../../shared/view/frame/host-context.ts';

/** For an admin: every device that may speak to the runner, and how another one comes in. */
export function Devices() {
  const host = useHost();
  const { connection } = useRunnerState();
  const [devices, setDevices] = useState<readonly DeviceDocument[] | null>(null);
  const isConnected = connection.kind === 'connected';
  const load = async (): Promise<void> => {
    const answer = await host.client.call('device.list', {});
    setDevices(answer.devices);
  };
  useEffect(() => {
    if (!isConnected) return;
    load().catch((thrown: unknown) => {
      tellError(host, thrown);
    });
  }, [isConnected]);

  const revoke = async (device: DeviceDocument): Promise<void> => {
    const agreed = await host.confirm({
      title: `Revoke ${device.name}`,
      text: `${device.name} of ${device.person} is disconnected at once and cannot come back without a new code.`,
      action: 'Revoke',
      destructive: true,
    });
    if (!agreed) return;
    await host.client.call('device.revoke', { device: device.id });
    await load();
  };

  return (
    <>
      <Invitation />
      <section aria-labelledby="opus-paired">
        <h2 id="opus-paired">Paired devices</h2>
        {devices === null ? (
          <p class="opus-quiet">Looking them up…</p>
        ) : (
          <ul class="opus-rows">
            {devices.map((device) => (
              <DeviceRow key={device.id} device={device} revoke={() => revoke(device)} />
            ))}
          </ul>
        )}
        <ActionButton label="Look again" icon="refresh-cw" needs="device.list" act={load} />
      </section>
    </>
  );
}

function DeviceRow({ device, revoke }: { readonly device: DeviceDocument; readonly revoke: () => Promise<void> }) {
  const now = useNow(30_000);
  const { clockOffset } = useRunnerState();
  const seen = device.lastSeenAt === null ? 'never seen' : `seen ${relativeTime(device.lastSeenAt, now + clockOffset)}`;
  return (
    <li class="opus-row">
      <h3 class="opus-row-title">{device.name}</h3>
      <p>
        {device.person} · {sentenceCase(device.role)} · {device.connected ? 'connected' : seen}
        <span class="opus-quiet"> · paired {new Date(device.pairedAt).toLocaleDateString()}</span>
      </p>
      <div class="opus-buttons">
        <ActionButton
          label="Revoke"
          icon="trash-2"
          tone="danger"
          needs="device.revoke"
          about={device.name}
          act={revoke}
        />
      </div>
    </li>
  );
}

const roleMeanings = {
  viewer: 'Viewer: looks at everything',
  operator: 'Operator: dispatches, pauses, retries, answers',
  approver: 'Approver: decides what is merged',
  admin: 'Admin: trusts notes, pairs and revokes devices',
} satisfies Record<Role, string>;

function Invitation() {
  const host = useHost();
  const [role, setRole] = useState<Role>('approver');
  const [pairing, setPairing] = useState<MethodResult<'pairing.create'> | null>(null);
  return (
    <section aria-labelledby="opus-invite">
      <h2 id="opus-invite">Pair another device</h2>
      <div class="opus-invite">
        <label class="opus-field">
          <span>What it may do</span>
          <select
            value={role}
            onChange={({ currentTarget }) => {
              setRole(roles.find((name) => name === currentTarget.value) ?? 'approver');
            }}
          >
            {roles.map((name) => (
              <option key={name} value={name}>
                {roleMeanings[name]}
              </option>
            ))}
          </select>
        </label>
        <ActionButton
          label="Make a code"
          icon="plus"
          tone="main"
          needs="pairing.create"
          act={async () => {
            setPairing(await host.client.call('pairing.create', { role }));
          }}
        />
      </div>
      <div aria-live="polite">{pairing && <PairingCode pairing={pairing} />}</div>
    </section>
  );
}

function PairingCode({ pairing }: { readonly pairing: MethodResult<'pairing.create'> }) {
  const now = useNow(1_000);
  const { clockOffset } = useRunnerState();
  const left = pairing.expiresAt - now - clockOffset;
  if (left <= 0) return <p class="opus-tone-warning">The code is not valid any more. Make another one.</p>;
  const page = `${pairing.url.replace(/\/$/, '')}/#pair=${encodeURIComponent(pairing.code)}`;
  return (
    <dl class="opus-pairing">
      <dt>Code, for one device</dt>
      <dd>
        <Copyable shown={pairing.code} all={pairing.code} what="the code" />
      </dd>
      <dt>Link that opens Obsidian</dt>
      <dd>
        <Copyable shown={pairing.link} all={pairing.link} what="the link" />
      </dd>
      <dt>Link that opens this page</dt>
      <dd>
        <Copyable shown={page} all={page} what="the link" />
      </dd>
      <dt>Valid for</dt>
      <dd aria-live="off">{elapsed(left)}</dd>
    </dl>
  );
}
