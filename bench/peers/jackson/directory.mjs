// The least around @boxyhq/saml-jackson's directory sync that speaks SCIM: node's own HTTP server, no framework.
//   node directory.mjs PORT POSTGRES_URL BODIES_FILE MADE_FILE
// Makes the users of the file (JSON), writes {path, secret, users} to the other, then serves until it is ended.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';

const [port, url, bodiesFile, madeFile] = process.argv.slice(2);
// The package lies where it was installed, not beside this file.
const jackson = createRequire(`${process.cwd()}/`)('@boxyhq/saml-jackson').default;

const { directorySyncController } = await jackson({
  externalUrl: `http://127.0.0.1:${port}`,
  samlPath: '/acs',
  scimPath: '/scim/v2.0',
  db: { engine: 'sql', type: 'postgres', url },
  // Whoever embeds it is told of each change; we do nothing with it.
  dsync: { callback: async () => {} },
  noAnalytics: true,
});
const { data: directory } = await directorySyncController.directories.create({
  tenant: 'bench.example',
  product: 'bench',
  type: 'okta-scim-v2',
});

async function asked(method, resourceType, resourceId, query, apiSecret, body) {
  const request = { method, directoryId: directory.id, resourceType, resourceId, apiSecret, body, query };
  return directorySyncController.requests.handle(request);
}

const users = [];
for (const body of JSON.parse(readFileSync(bodiesFile, 'utf8'))) {
  const { status, data } = await asked('POST', 'users', undefined, {}, directory.scim.secret, body);
  if (status !== 201) throw new Error(`no user was made: ${status}`);
  users.push(data.id);
}

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { pathname, searchParams } = new URL(request.url, 'http://127.0.0.1');
  const [, , , , resourceType, resourceId] = pathname.split('/');
  const secret = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const query = {
    filter: searchParams.get('filter') ?? undefined,
    count: Number(searchParams.get('count') ?? 0) || undefined,
    startIndex: Number(searchParams.get('startIndex') ?? 0) || undefined,
  };
  const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
  try {
    const { status, data } = await asked(request.method, resourceType, resourceId, query, secret, body);
    const text = Buffer.from(JSON.stringify(data ?? {}));
    response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.length }).end(text);
  } catch (error) {
    const text = Buffer.from(String(error?.message ?? error));
    response.writeHead(500, { 'Content-Length': text.length }).end(text);
  }
}

createServer(answer).listen(Number(port), '127.0.0.1', () => {
  const { pathname } = new URL(directory.scim.endpoint);
  writeFileSync(`${madeFile}.new`, JSON.stringify({ path: pathname, secret: directory.scim.secret, users }));
  renameSync(`${madeFile}.new`, madeFile);
});
