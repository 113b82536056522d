// The least around @boxyhq/saml-jackson that answers a POST at its ACS: node's own HTTP server, no framework.
//   node server.mjs PORT POSTGRES_URL METADATA_FILE REQUESTS REQUESTS_FILE
// Starts so many sign-ins, writes [{id, relay_state}] to the file, then serves until it is ended.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { inflateRawSync } from 'node:zlib';

const [port, url, metadataFile, count, requestsFile] = process.argv.slice(2);
const home = `http://127.0.0.1:${port}`;
// The package lies where it was installed, not beside this file.
const jackson = createRequire(`${process.cwd()}/`)('@boxyhq/saml-jackson').default;

const { connectionAPIController, oauthController } = await jackson({
  externalUrl: home,
  samlPath: '/acs',
  samlAudience: 'https://jackson.bench.example/sp',
  db: { engine: 'sql', type: 'postgres', url },
  noAnalytics: true,
});
const application = { tenant: 'bench.example', product: 'bench' };
await connectionAPIController.createSAMLConnection({
  ...application,
  rawMetadata: readFileSync(metadataFile, 'utf8'),
  defaultRedirectUrl: `${home}/done`,
  redirectUrl: [`${home}/*`],
});

async function started(number) {
  const { redirect_url } = await oauthController.authorize({
    client_id: `tenant=${application.tenant}&product=${application.product}`,
    redirect_uri: `${home}/done`,
    response_type: 'code',
    state: `state${number}`,
  });
  const query = new URL(redirect_url).searchParams;
  const request = inflateRawSync(Buffer.from(query.get('SAMLRequest'), 'base64')).toString();
  return { id: / ID="([^"]+)"/.exec(request)[1], relay_state: query.get('RelayState') };
}

const requests = [];
for (let number = 0; number < Number(count); number += 1) requests.push(await started(number));

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  try {
    const { redirect_url } = await oauthController.samlResponse({
      SAMLResponse: form.get('SAMLResponse'),
      RelayState: form.get('RelayState'),
    });
    const code = new URL(redirect_url).searchParams.get('code');
    response.writeHead(code ? 302 : 403, { Location: redirect_url, 'Content-Length': 0 }).end();
  } catch (error) {
    const text = Buffer.from(String(error?.message ?? error));
    response.writeHead(400, { 'Content-Length': text.length }).end(text);
  }
}

createServer(answer).listen(Number(port), '127.0.0.1', () => {
  writeFileSync(`${requestsFile}.new`, JSON.stringify(requests));
  renameSync(`${requestsFile}.new`, requestsFile);
});
