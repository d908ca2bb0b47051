import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OpusError } from '#shared/domain/errors.ts';
import type { Log } from '../core/ports/log.ts';
import type { WebhookDelivery } from '../core/ports/webhooks.ts';
import { Refusal, refusalOf, sendRefusal } from './refusals.ts';

export interface WebhookIntake {
  isExpected(): boolean;
  take(delivery: WebhookDelivery): Promise<'taken' | 'refused'>;
}

const path = '/webhooks/github';
/** GitHub sends no more. */
const bodyLimit = 25 * 1024 * 1024;
/** Of all that arrive at once, before it is known who sends them. */
const mostBytes = 2 * bodyLimit;

/** Takes webhooks. What carries no signature is refused before its body is read. */
export function addWebhookRoute(app: FastifyInstance, intake: WebhookIntake, log: Log): void {
  let underway = 0;
  app.route<{ Body: string | undefined }>({
    method: 'POST',
    url: path,
    bodyLimit,
    errorHandler: (thrown, request, reply) => {
      const status = 'statusCode' in thrown ? thrown.statusCode : 500;
      const told = status === 413 ? refused(413, 'The webhook is larger than 25 megabytes.') : refusalOf(thrown, log);
      sendRefusal(request, reply, told);
    },
    onRequest: (request, reply, done) => {
      if (!intake.isExpected()) throw refused(404, 'There is nothing here.');
      if (!/^sha256=[0-9a-f]{64}$/.test(header(request, 'x-hub-signature-256'))) throw unsigned();
      if (!/^[\w.-]{1,100}$/.test(header(request, 'x-github-delivery'))) throw refused(400, 'It names no delivery.');
      const length = Number(request.headers['content-length'] ?? bodyLimit);
      if (length <= bodyLimit) {
        if (underway + length > mostBytes) throw refused(503, 'Too much arrives at once.');
        underway += length;
        reply.raw.once('close', () => {
          underway -= length;
        });
      }
      done();
    },
    handler: async (request, reply) => {
      const outcome = await intake.take({
        id: header(request, 'x-github-delivery'),
        event: header(request, 'x-github-event')
          .replaceAll(/[^\w.-]/g, '')
          .slice(0, 60),
        signature: header(request, 'x-hub-signature-256'),
        body: request.body ?? '',
      });
      if (outcome === 'refused') throw unsigned();
      return reply.code(202).send({ taken: true });
    },
  });
}

function header(request: Pick<FastifyRequest, 'headers'>, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}

function refused(status: number, message: string): Refusal {
  return new Refusal(status, new OpusError(status === 401 ? 'protocol.unauthorized' : 'protocol.invalid', message));
}

function unsigned(): Refusal {
  return refused(401, 'The signature is not right.');
}
