import { render } from 'preact';
import { createRunnerClient } from '../../shared/protocol/client/create-runner-client.ts';
import { browserPlatform } from '../../shared/view/browser-platform.ts';
import { App } from './app.tsx';
import { createPage } from './page.ts';

const address = new URL('.', location.href).href.replace(/\/$/, '');
const version = document.querySelector<HTMLMetaElement>('meta[name="opus-version"]')?.content ?? '';
const page = createPage({
  address,
  version,
  connect: ({ token }) =>
    createRunnerClient({
      address,
      token,
      client: { name: 'dashboard', version, kind: 'dashboard' },
      platform: browserPlatform,
      appliesWrites: false,
    }),
});
const place = document.getElementById('opus');
place?.replaceChildren();
if (place) render(<App page={page} />, place);
