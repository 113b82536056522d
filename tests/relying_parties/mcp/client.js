// An MCP client made of the official SDK, as a process of its own: it is told nothing but the MCP server's address. All the rest (who
// issues tokens, registering itself, PKCE, the resource) the SDK finds out as the specifications say. It ends when its standard input does.
//
//   node client.js '{"readyFile": …, "port": 0, "initialAccessToken": …}'
//
// GET /connect?to=URL sends the browser to sign in; afterwards / shows what the server's tool said.

import fs from "node:fs";
import http from "node:http";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const options = JSON.parse(process.argv[2]);
let baseUrl = "";
let provider;
let transport;
let said = "";

class Provider {
  get redirectUrl() { return `${baseUrl}/callback`; }
  get clientMetadata() {
    return {
      client_name: "Notes for agents",
      redirect_uris: [this.redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      scope: "notes.read",
    };
  }
  state() { this.wantedState = crypto.randomUUID(); return this.wantedState; }
  clientInformation() { return this.information; }
  saveClientInformation(information) { this.information = information; }
  tokens() { return this.saved; }
  saveTokens(tokens) { this.saved = tokens; }
  redirectToAuthorization(url) { this.authorizationUrl = url; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  codeVerifier() { return this.verifier; }
}

// Registration is for those who have the admin's initial access token (RFC 7591, 3), which the SDK has no place for.
async function fetchWithInitialToken(url, init) {
  const headers = new Headers(init?.headers);
  if (String(url).endsWith("/oauth2/register") && options.initialAccessToken) {
    headers.set("Authorization", `Bearer ${options.initialAccessToken}`);
  }
  return fetch(url, { ...init, headers });
}

const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

function page(response, status, title, body) {
  response.writeHead(status, { "Content-Type": "text/html; charset=utf-8" });
  response.end(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title} · MCP</title>
<link rel="icon" href="data:,"></head><body><main><h1>${title}</h1>${body}</main></body></html>`);
}

async function callTool(to) {
  const client = new Client({ name: "notes-client", version: "1.0.0" });
  await client.connect(transport);
  const result = await client.callTool({ name: "whoami", arguments: {} });
  said = result.content[0].text;
  await client.close();
  return to;
}

async function connect(url, response) {
  provider ??= new Provider();
  provider.to = new URL(url.searchParams.get("to"));
  transport = new StreamableHTTPClientTransport(provider.to, { authProvider: provider, fetch: fetchWithInitialToken });
  try {
    await callTool();
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    response.writeHead(302, { Location: String(provider.authorizationUrl) });
    return response.end();
  }
  response.writeHead(302, { Location: "/" });
  response.end();
}

async function callback(url, response) {
  if (url.searchParams.get("error")) return page(response, 400, "Refused", `<pre id="error">${escapeHtml(url.search)}</pre>`);
  if (url.searchParams.get("state") !== provider.wantedState) return page(response, 400, "Not a sign-in of ours", "");
  await transport.finishAuth(url.searchParams.get("code"));
  transport = new StreamableHTTPClientTransport(provider.to, { authProvider: provider, fetch: fetchWithInitialToken });
  await callTool();
  response.writeHead(302, { Location: "/" });
  response.end();
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, baseUrl);
  try {
    if (url.pathname === "/connect") return await connect(url, response);
    if (url.pathname === "/callback") return await callback(url, response);
    page(response, 200, "The tool said", `<pre id="said">${escapeHtml(said)}</pre>`);
  } catch (error) {
    page(response, 400, "Refused", `<pre id="error">${escapeHtml(error.stack)}</pre>`);
  }
});
server.listen(options.port, "127.0.0.1", () => {
  baseUrl = `http://127.0.0.1:${server.address().port}`;
  fs.writeFileSync(`${options.readyFile}.partial`, JSON.stringify({ base_url: baseUrl }));
  fs.renameSync(`${options.readyFile}.partial`, options.readyFile);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
