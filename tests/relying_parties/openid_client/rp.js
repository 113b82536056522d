// A relying party made of the npm package openid-client (certified by the OpenID Foundation), as a process of its own. Everything about
// OpenID Connect here is openid-client's doing; logout tokens are verified by jose. It ends when its standard input does.
//
//   node rp.js '{"readyFile": …, "port": 0, "issuer": …}'
//
// A client_id is known only once the console has the redirect URI: POST /client {"clientId", "clientSecret", "pushed"} tells it.

import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import * as jose from "jose";
import * as client from "openid-client";

const options = JSON.parse(process.argv[2]);
const sessions = new Map();
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout";
let baseUrl = "";
let config;
let told = {};

const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

function page(title, body) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title} · openid-client</title>
<link rel="icon" href="data:,"></head><body><main><h1>${title}</h1>${body}</main></body></html>`;
}

function answer(response, status, body, headers = {}) {
  response.writeHead(status, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", ...headers });
  response.end(body);
}

const goTo = (response, url, headers = {}) => answer(response, 302, "", { Location: String(url), ...headers });

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function sessionOf(request) {
  const id = /(?:^|; )rp=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
  return id ? sessions.get(id) : undefined;
}

async function tell(request, response) {
  told = JSON.parse(await readBody(request));
  const authentication = told.clientSecret ? client.ClientSecretBasic(told.clientSecret) : client.None();
  config = await client.discovery(new URL(options.issuer), told.clientId, undefined, authentication, {
    execute: [client.allowInsecureRequests],
  });
  answer(response, 200, "known");
}

async function signIn(url, response) {
  const verifier = client.randomPKCECodeVerifier();
  const session = { verifier, state: client.randomState(), nonce: client.randomNonce() };
  const parameters = {
    redirect_uri: `${baseUrl}/callback`,
    scope: url.searchParams.get("scope") ?? "openid profile email groups",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: session.state,
    nonce: session.nonce,
  };
  for (const name of ["prompt", "max_age", "login_hint"]) {
    if (url.searchParams.has(name)) parameters[name] = url.searchParams.get(name);
  }
  session.maxAge = parameters.max_age === undefined ? undefined : Number(parameters.max_age);
  const id = crypto.randomUUID();
  sessions.set(id, session);
  const build = told.pushed ? client.buildAuthorizationUrlWithPAR : client.buildAuthorizationUrl;
  goTo(response, await build(config, parameters), { "Set-Cookie": `rp=${id}; Path=/; HttpOnly; SameSite=Lax` });
}

async function callback(url, session, response) {
  if (!session) return answer(response, 400, page("No sign-in of ours", ""));
  const tokens = await client.authorizationCodeGrant(config, url, {
    pkceCodeVerifier: session.verifier,
    expectedState: session.state,
    expectedNonce: session.nonce,
    maxAge: session.maxAge,
    idTokenExpected: true,
  });
  keep(session, tokens);
  goTo(response, "/");
}

function keep(session, tokens) {
  session.claims = tokens.claims() ?? session.claims;
  session.idToken = tokens.id_token ?? session.idToken;
  session.accessToken = tokens.access_token;
  session.refreshToken = tokens.refresh_token ?? session.refreshToken;
}

function home(session, response) {
  if (!session?.claims) return answer(response, 200, page("Not signed in", '<p><a href="/sign-in">Sign in</a></p>'));
  const claims = escapeHtml(JSON.stringify(session.claims));
  answer(response, 200, page("Signed in", `<p id="name">${escapeHtml(session.claims.name ?? session.claims.sub)}</p>
<pre id="claims">${claims}</pre><p><a href="/user-info">User info</a> <a href="/refresh">Refresh</a> <a href="/sign-out">Sign out</a></p>`));
}

async function userInfo(session, response) {
  const found = await client.fetchUserInfo(config, session.accessToken, session.claims.sub);
  answer(response, 200, page("User info", `<pre id="claims">${escapeHtml(JSON.stringify(found))}</pre>`));
}

async function refresh(session, response) {
  const before = session.refreshToken;
  keep(session, await client.refreshTokenGrant(config, session.refreshToken));
  const rotated = before !== session.refreshToken ? "rotated" : "the same";
  answer(response, 200, page("Refreshed", `<p id="rotation">${rotated}</p><pre id="claims">${escapeHtml(JSON.stringify(session.claims))}</pre>`));
}

function signOut(session, response) {
  const url = client.buildEndSessionUrl(config, { post_logout_redirect_uri: `${baseUrl}/`, id_token_hint: session.idToken });
  for (const [id, one] of sessions) if (one === session) sessions.delete(id);
  goTo(response, url);
}

async function backChannel(request, response) {
  const token = new URLSearchParams(await readBody(request)).get("logout_token") ?? "";
  const metadata = config.serverMetadata();
  const keys = jose.createRemoteJWKSet(new URL(metadata.jwks_uri));
  const { payload } = await jose.jwtVerify(token, keys, {
    issuer: metadata.issuer,
    audience: told.clientId,
    typ: "logout+jwt",
    requiredClaims: ["jti", "iat", "exp", "events"],
  });
  // OpenID Connect Back-Channel Logout 1.0, 2.6.
  const wrong = !(logoutEvent in payload.events) || "nonce" in payload || !(payload.sub || payload.sid);
  if (wrong) return answer(response, 400, "no logout token");
  for (const [id, session] of sessions) {
    if (payload.sid ? session.claims?.sid === payload.sid : session.claims?.sub === payload.sub) sessions.delete(id);
  }
  answer(response, 200, "signed out");
}

async function route(request, response) {
  const url = new URL(request.url, baseUrl);
  const session = sessionOf(request);
  if (request.method === "POST" && url.pathname === "/client") return tell(request, response);
  if (request.method === "POST" && url.pathname === "/back-channel") return backChannel(request, response);
  if (url.pathname === "/sign-in") return signIn(url, response);
  if (url.pathname === "/callback") return callback(url, session, response);
  if (!session?.claims || url.pathname === "/") return home(session, response);
  if (url.pathname === "/user-info") return userInfo(session, response);
  if (url.pathname === "/refresh") return refresh(session, response);
  if (url.pathname === "/sign-out") return signOut(session, response);
  answer(response, 404, page("Not found", ""));
}

const server = http.createServer((request, response) => {
  route(request, response).catch((error) => {
    // What the server said, in its words, is what a test wants to see; nothing secret is in it.
    const said = { code: error.code, error: error.error, description: error.error_description, message: error.message };
    answer(response, 400, page("Refused", `<pre id="error">${escapeHtml(JSON.stringify(said))}</pre>`));
  });
});
server.listen(options.port, "127.0.0.1", () => {
  baseUrl = `http://127.0.0.1:${server.address().port}`;
  fs.writeFileSync(`${options.readyFile}.partial`, JSON.stringify({ base_url: baseUrl }));
  fs.renameSync(`${options.readyFile}.partial`, options.readyFile);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
