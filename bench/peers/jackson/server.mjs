// The least around @boxyhq/saml-jackson that answers a POST at its ACS and at its token endpoint: node's own HTTP server, no framework.
//   node server.mjs PORT POSTGRES_URL METADATA_FILE REQUESTS REQUESTS_FILE [CODE_CHALLENGE]
// Starts so many sign-ins, writes {client_id, client_secret, requests: [{id, relay_state}]} to the file, then serves until it is ended.
// With a challenge the sign-ins are OpenID Connect's, and GET /codes tells the codes that were given.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { inflateRawSync } from 'node:zlib';

const [port, url, metadataFile, count, requestsFile, challenge] = process.argv.slice(2);
const home = `http://127.0.0.1:${port}`;
// The package lies where it was installed, not beside this file.
const jackson = createRequire(`${process.cwd()}/`)('@boxyhq/saml-jackson').default;

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const base64 = (text) => Buffer.from(text).toString('base64');
const { connectionAPIController, oauthController } = await jackson({
  externalUrl: home,
  samlPath: '/acs',
  samlAudience: 'https://jackson.bench.example/sp',
  db: { engine: 'sql', type: 'postgres', url },
  openid: {
    jwsAlg: 'RS256',
    jwtSigningKeys: {
      private: base64(privateKey.export({ type: 'pkcs8', format: 'pem' })),
      public: base64(publicKey.export({ type: 'spki', format: 'pem' })),
    },
  },
  noAnalytics: true,
});
const application = { tenant: 'bench.example', product: 'bench' };
const connection = await connectionAPIController.createSAMLConnection({
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
    ...(challenge && { scope: 'openid', nonce: `nonce${number}`, code_challenge: challenge, code_challenge_method: 'S256' }),
  });
  const query = new URL(redirect_url).searchParams;
  const request = inflateRawSync(Buffer.from(query.get('SAMLRequest'), 'base64')).toString();
  return { id: / ID="([^"]+)"/.exec(request)[1], relay_state: query.get('RelayState') };
}

const requests = [];
for (let number = 0; number < Number(count); number += 1) requests.push(await started(number));

const codes = [];

function say(response, status, body) {
  const text = Buffer.from(JSON.stringify(body));
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'Content-Length': text.length };
  response.writeHead(status, headers).end(text);
}

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  try {
    if (request.url === '/codes') return say(response, 200, codes);
    if (request.url === '/token') {
      const body = Object.fromEntries(form);
      return say(response, 200, await oauthController.token(body, request.headers.authorization));
    }
    const { redirect_url } = await oauthController.samlResponse({
      SAMLResponse: form.get('SAMLResponse'),
      RelayState: form.get('RelayState'),
    });
    const code = new URL(redirect_url).searchParams.get('code');
    if (challenge) codes.push(code);
    response.writeHead(code ? 302 : 403, { Location: redirect_url, 'Content-Length': 0 }).end();
  } catch (error) {
    const text = Buffer.from(String(error?.message ?? error));
    response.writeHead(400, { 'Content-Length': text.length }).end(text);
  }
}

createServer(answer).listen(Number(port), '127.0.0.1', () => {
  writeFileSync(`${requestsFile}.new`, JSON.stringify({ client_id: connection.clientID, client_secret: connection.clientSecret, requests }));
  renameSync(`${requestsFile}.new`, requestsFile);
});
