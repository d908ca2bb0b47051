import { expect, it } from 'vitest';
import { proposedDeviceName } from '../../runner/dashboard/device-name.ts';
import { hashOf, routeOf } from '../../runner/dashboard/routes.ts';

const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';

it.each([
  [`Mozilla/5.0 (X11; Linux x86_64) ${webkit} Chrome/140.0.0.0 Safari/537.36`, 'Chrome on Linux'],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/140.0 Safari/537.36 Edg/140.0`, 'Edge on Windows'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Mac'],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) ${webkit} Version/18.0 Mobile Safari/604.1`,
    'Safari on iPhone',
  ],
  [`Mozilla/5.0 (Linux; Android 15) ${webkit} Chrome/140.0 Mobile Safari/537.36`, 'Chrome on Android'],
  ['something else', 'Browser'],
])('proposes a name for the browser %s', (userAgent, name) => {
  expect(proposedDeviceName(userAgent)).toBe(name);
});

it.each([
  ['', { page: 'overview' }],
  ['#/nowhere', { page: 'overview' }],
  ['#/review', { page: 'overview' }],
  ['#/board', { page: 'board' }],
  ['#/output/FR-001-1', { page: 'output', job: 'FR-001-1' }],
  ['#/review/%E0%A4', { page: 'review', job: '%E0%A4' }],
  ['#pair=ABCD-EFGH', { page: 'pair', code: 'ABCD-EFGH' }],
])('takes %j for a page', (hash, route) => {
  expect(routeOf(hash)).toEqual(route);
});

it('finds its way back from every address that it writes', () => {
  expect(hashOf('sidebar')).toBe('#/');
  expect(routeOf(hashOf('trust'))).toEqual({ page: 'trust' });
  expect(routeOf(hashOf('review', 'a/b #c'))).toEqual({ page: 'review', job: 'a/b #c' });
});
