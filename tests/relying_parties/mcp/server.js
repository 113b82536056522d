// An MCP server made of the official SDK, as a process of its own: it has one tool, and lets in whoever brings an access token that
// Vestibule issued for it. It knows of Vestibule what its metadata says, and verifies tokens with jose. It ends when its standard input does.
//
//   node server.js '{"readyFile": …, "port": 0, "issuer": …}'

import fs from "node:fs";
import http from "node:http";
import express from "express";
import * as jose from "jose";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } from "@modelcontextprotocol/sdk/server/auth/router.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

const options = JSON.parse(process.argv[2]);

function mcpServer() {
  const server = new McpServer({ name: "notes", version: "1.0.0" });
  server.registerTool("whoami", { description: "Says who is asking" }, (extra) => ({
    content: [{ type: "text", text: JSON.stringify(extra.authInfo.extra) }],
  }));
  return server;
}

function verifier(issuer, keys, resource) {
  return {
    async verifyAccessToken(token) {
      try {
        const { payload } = await jose.jwtVerify(token, keys, { issuer, audience: resource, typ: "at+jwt" });
        return {
          token,
          clientId: payload.client_id,
          scopes: (payload.scope ?? "").split(" "),
          expiresAt: payload.exp,
          resource: new URL(resource),
          extra: { sub: payload.sub, act: payload.act, scope: payload.scope, client: payload.client_id },
        };
      } catch (error) {
        throw new InvalidTokenError(error.message);
      }
    },
  };
}

async function start() {
  const listener = http.createServer();
  await new Promise((resolve) => listener.listen(options.port, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${listener.address().port}`;
  const resource = `${baseUrl}/mcp`;
  const metadataUrl = options.issuer.replace(/^(https?:\/\/[^/]+)(.*)$/, "$1/.well-known/oauth-authorization-server$2");
  const oauthMetadata = await (await fetch(metadataUrl)).json();
  const keys = jose.createRemoteJWKSet(new URL(oauthMetadata.jwks_uri));
  const app = express();
  // The SDK wants https but for localhost; the issuer of this test is on the loopback address.
  process.env.MCP_DANGEROUSLY_ALLOW_INSECURE_ISSUER_URL = "true";
  app.use(mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl: new URL(resource), scopesSupported: ["notes.read"] }));
  const bearer = requireBearerAuth({
    verifier: verifier(oauthMetadata.issuer, keys, resource),
    requiredScopes: ["notes.read"],
    resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(new URL(resource)),
    expectedResource: new URL(resource),
  });
  app.post("/mcp", express.json(), bearer, async (request, response) => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    const server = mcpServer();
    response.on("close", () => { transport.close(); server.close(); });
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  app.get("/mcp", bearer, (_, response) => response.status(405).end());
  listener.on("request", app);
  fs.writeFileSync(`${options.readyFile}.partial`, JSON.stringify({ base_url: baseUrl, resource }));
  fs.renameSync(`${options.readyFile}.partial`, options.readyFile);
}

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
await start();
