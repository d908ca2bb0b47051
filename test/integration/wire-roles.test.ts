import { describe, expect, it } from 'vitest';
import type { MethodInput, MethodName } from '../../shared/protocol/methods.ts';
import { rpcPath } from '../../shared/protocol/version.ts';
import { roles, type Role } from '../../shared/protocol/roles.ts';
import { makeDeviceLab } from '../support/device-lab.ts';
import { startServer, token as adminToken } from '../support/server-lab.ts';
import { aJobDocument, createStandIn } from '../support/server-stand-in.ts';
import { openWire } from '../support/wire-client.ts';

const job = { job: 'FR-1-1' };

/** Every method, with params that it takes, under the least role that may call it. */
const byRole: Record<Role, Partial<{ [Method in MethodName]: MethodInput<Method> }>> = {
  viewer: {
    'board.get': {},
    'fr.validate': {},
    'runner.status': {},
    'device.unpair': {},
    'job.list': {},
    'job.get': job,
    'job.log': job,
    'job.diff': job,
    'events.since': {},
    'output.subscribe': job,
    'output.unsubscribe': { subscription: 1 },
    'trust.list': {},
  },
  operator: {
    'fr.dispatch': { fr: 'FR-1' },
    'fr.dispatch-all': {},
    'fr.set': { fr: 'FR-1' },
    'runner.pause': {},
    'runner.resume': {},
    'runner.drain': {},
    'job.cancel': job,
    'job.pause': job,
    'job.resume': job,
    'job.retry': job,
    'job.unblock': job,
    'question.answer': { ...job, answer: 'yes' },
  },
  approver: {
    'job.comment': job,
    'job.revert': job,
    'approval.decide': { ...job, kind: 'approve' },
    'vault.bundle': {},
    'vault.applied': { id: '1', outcome: { kind: 'written' } },
  },
  admin: {
    'runner.reload': {},
    'job.checkout': { ...job, dir: '/x' },
    'job.return': job,
    'backup.create': {},
    'trust.confirm': { shown: [] },
    'pairing.create': {},
    'device.list': {},
    'device.revoke': { device: 'x' },
  },
};
const ofConnection = ['output.subscribe', 'output.unsubscribe'];
const table = roles.flatMap((needed) =>
  Object.entries(byRole[needed]).map(([method, params]) => ({ method: method as MethodName, params, needed })),
);

async function start() {
  const devices = makeDeviceLab();
  const standIn = createStandIn(devices.pairs);
  const server = await startServer({ application: standIn.application, ...devices.server });
  return { devices, standIn, server };
}

describe('what a device may do', () => {
  it('is said of every method there is', async () => {
    const { methodParams } = await import('../../shared/protocol/method-params.ts');
    const named = roles.flatMap((role) => Object.keys(byRole[role]));
    expect([...named, 'device.pair'].sort()).toEqual(Object.keys(methodParams).sort());
  });

  it.each(table)('$method needs $needed, over the wire and by HTTP', async ({ method, params, needed }) => {
    const { devices, standIn, server } = await start();
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    for (const role of roles) {
      const token = devices.pair(role);
      const wire = await openWire(server.url);
      await wire.hello({ token });
      standIn.calls.splice(0);
      const overWire = await wire.call(method, params).catch((error: unknown) => error);
      const overHttp = await server.post(body, { authorization: `Bearer ${token}` });
      if (roles.indexOf(role) < roles.indexOf(needed)) {
        const message = `${method} needs the role ${needed}; this device is a ${role}.`;
        expect(overWire).toMatchObject({ code: 'protocol.forbidden', message });
        expect(overHttp).toMatchObject({ json: { error: { data: { code: 'protocol.forbidden', message } } } });
        expect(standIn.calls).toEqual([]);
        continue;
      }
      expect(overWire).not.toMatchObject({ code: 'protocol.forbidden' });
      const performed = standIn.calls.filter((call) => call.method === method);
      expect(performed).toHaveLength(ofConnection.includes(method) ? 0 : 2);
      if (!ofConnection.includes(method)) continue;
      expect(overHttp).toMatchObject({ json: { error: { data: { code: 'protocol.invalid' } } } });
    }
  });

  it.each(roles)('is nothing more by a hello that says otherwise, for a %s', async (role) => {
    const { devices, server } = await start();
    const wire = await openWire(server.url);
    const hello = await wire.hello({ token: devices.pair(role), role: 'admin', person: 'eve', device: 'another' });
    expect(hello).toMatchObject({ role, person: 'ada', device: `a ${role}` });
  });

  it('ends with what it was paired for: the role is looked at with each call', async () => {
    const { devices, standIn, server } = await start();
    const wire = await openWire(server.url);
    await wire.hello({ token: devices.pair('operator') });
    await wire.call('runner.pause');
    const [device] = devices.registry.devices.list();
    // Beside the service, as the command line does where it cannot ask.
    devices.registry.devices.revoke(device?.id ?? '');
    await expect(wire.call('runner.pause')).rejects.toThrow('The connection was closed.');
    expect(await wire.closed).toEqual({ code: 4401, reason: 'This device was revoked.' });
    expect(standIn.calls).toHaveLength(1);
  });
});

describe('a decision', () => {
  const decide = { job: 'FR-1-1', kind: 'approve' } as const;
  const decided = { 'approval.decide': () => Promise.resolve(aJobDocument()) };

  it('is made for the person of the device and for nobody else', async () => {
    const devices = makeDeviceLab();
    const standIn = createStandIn(decided);
    const server = await startServer({ application: standIn.application, ...devices.server });
    const wire = await openWire(server.url);
    await wire.hello({ token: devices.pair('admin') });
    await expect(wire.call('approval.decide', { ...decide, person: 'bob' })).rejects.toMatchObject({
      code: 'protocol.forbidden',
      message: 'This device decides for ada and for nobody else.',
    });
    expect(standIn.calls).toEqual([]);
    await wire.call('approval.decide', { ...decide, person: 'ada' });
    await wire.call('approval.decide', decide);
    expect(standIn.calls).toHaveLength(2);
  });

  it('is made for whom the command line names', async () => {
    const standIn = createStandIn(decided);
    const server = await startServer({ application: standIn.application });
    expect(await server.call('approval.decide', { ...decide, person: 'bob' })).toMatchObject({ status: 200 });
    expect(standIn.calls[0]?.params).toMatchObject({ person: 'bob' });
  });
});

describe('without a token', () => {
  const send = (server: Awaited<ReturnType<typeof startServer>>, method: string, params: unknown) =>
    server.ask(rpcPath, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });

  it.each(table)('nobody may call $method', async ({ method, params }) => {
    const { standIn, server } = await start();
    expect(await send(server, method, params)).toMatchObject({
      status: 401,
      json: { id: null, error: { data: { code: 'protocol.unauthorized' } } },
    });
    expect(standIn.calls).toEqual([]);
  });

  it('a device is paired by a code, and by its token it is known from then on', async () => {
    const { devices, server } = await start();
    const { code } = devices.pairing.offer({ role: 'operator', person: 'ada' });
    const { status, json } = await send(server, 'device.pair', { code, device: 'a phone' });
    expect(status).toBe(200);
    const { token, ...rest } = (json as { result: { token: string } }).result;
    expect(rest).toMatchObject({ role: 'operator', person: 'ada', runner: 'a-machine' });
    const wire = await openWire(server.url);
    expect(await wire.hello({ token })).toMatchObject({ device: 'a phone' });
    const answer = await server.post('{"jsonrpc":"2.0","id":1,"method":"runner.pause"}', {
      authorization: `Bearer ${token}`,
    });
    expect(answer.json).toMatchObject({ result: { paused: 'paused' } });
  });

  it('a code is nothing for who is paired already', async () => {
    const { devices, server } = await start();
    const { code } = devices.pairing.offer({ role: 'admin', person: 'ada' });
    const wire = await openWire(server.url);
    await wire.hello({ token: devices.pair('viewer') });
    await expect(wire.call('device.pair', { code, device: 'x' })).rejects.toMatchObject({ code: 'protocol.forbidden' });
  });

  it('wrong codes lock their sender out, right codes too by then, and not who has a token', async () => {
    const { devices, server } = await start();
    const { code } = devices.pairing.offer({ role: 'admin', person: 'ada' });
    for (let time = 0; time < 5; time += 1) {
      expect(await send(server, 'device.pair', { code: `WRONG-${time}`, device: 'x' })).toMatchObject({ status: 401 });
    }
    expect(await send(server, 'device.pair', { code, device: 'x' })).toMatchObject({
      status: 429,
      json: {
        error: { data: { code: 'protocol.too-many', message: expect.stringMatching(/wait \d+ s\.$/) as string } },
      },
    });
    expect(devices.registry.devices.list()).toEqual([]);
    const wire = await openWire(server.url);
    await wire.hello({ token: 'a wrong one' }).catch(() => undefined);
    expect(await wire.closed).toMatchObject({ code: 4429 });
    const other = await openWire(server.url);
    expect(await other.hello({ token: devices.pair('viewer') })).toMatchObject({ role: 'viewer' });
    const admin = await openWire(server.url);
    expect(await admin.hello({ token: adminToken })).toMatchObject({ role: 'admin' });
  });

  it.each([
    { trustProxy: true, others: 401 },
    { trustProxy: false, others: 429 },
  ])('the address counts that a proxy saw, where one is trusted: $trustProxy', async ({ trustProxy, others }) => {
    const devices = makeDeviceLab();
    const { application } = createStandIn(devices.pairs);
    const config = { host: '127.0.0.1', port: 0, publicUrl: null, tls: null, trustProxy };
    const server = await startServer({ application, config, ...devices.server });
    const from = (address: string) =>
      server.post('{}', { authorization: 'Bearer wrong', 'x-forwarded-for': `203.0.113.9, ${address}` });
    for (let time = 0; time < 5; time += 1) expect((await from('192.0.2.1')).status).toBe(401);
    expect((await from('192.0.2.1')).status).toBe(429);
    expect((await from('192.0.2.2')).status).toBe(others);
  });
});
