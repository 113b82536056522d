// An identity provider made of the npm package samlp, as a process of its own. Everything about SAML here is samlp's doing;
// this file gives it addresses, people and a form. It ends when its standard input does.
//
//   node idp.js '{"readyFile": …, "port": 0, "keyFile": …, "certificateFile": …, "people": […], "password": …, "signs": …}'

"use strict";

// samlp calls `new Buffer`, which Node.js warns about at every start.
process.noDeprecation = true;

const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const samlp = require("samlp");
const logout = require("./logout");

const options = JSON.parse(process.argv[2]);
const key = fs.readFileSync(options.keyFile, "ascii");
const certificate = fs.readFileSync(options.certificateFile, "ascii");
const EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const serviceProviders = new Map();
const tickets = new Map();
let baseUrl = "";

class Refusal extends Error {}

function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function page(title, body) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title} · samlp</title>
<link rel="icon" href="data:,"></head><body><main><h1>${title}</h1>${body}</main></body></html>`;
}

function signInPage(ticket, sentence) {
  return page("Sign in", `<p role="alert">${escapeHtml(sentence)}</p><form action="/sign-in" method="post">
<input type="hidden" name="ticket" value="${escapeHtml(ticket)}">
<p><label>User name <input name="user_name" autocomplete="username"></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
<p><button type="submit">Sign in</button></p></form>`);
}

function sendingPage(acsUrl, response, relayState) {
  const relay = relayState === undefined ? "" : `<input type="hidden" name="RelayState" value="${escapeHtml(relayState)}">`;
  return page("Signing in", `<form action="${escapeHtml(acsUrl)}" method="post">
<input type="hidden" name="SAMLResponse" value="${Buffer.from(response).toString("base64")}">${relay}
<button type="submit">Continue</button></form><script>document.forms[0].submit()</script>`);
}

function answer(response, status, body, type = "text/html; charset=utf-8") {
  response.writeHead(status, { "Content-Type": type });
  response.end(body);
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function metadata(request, response) {
  // samlp's middleware expects what Express adds to a request and a response.
  response.set = (name, value) => response.setHeader(name, value);
  response.send = (body) => response.end(body);
  request.originalUrl = request.url;
  request.protocol = "http";
  samlp.metadata({
    issuer: baseUrl + "/metadata",
    cert: certificate,
    redirectEndpointPath: "/sso",
    postEndpointPath: "/sso",
    logoutEndpointPaths: options.logsOut ? { [options.logsOut]: "/slo" } : {},
  })(request, response);
}

function parseRequest(request, parseOptions) {
  return new Promise((resolve, reject) => {
    samlp.parseRequest(request, parseOptions, (error, data) => (error ? reject(new Refusal(error.message)) : resolve(data)));
  });
}

async function acceptRequest(request) {
  const first = await parseRequest(request, {});
  const known = first && serviceProviders.get(first.issuer);
  if (!known) throw new Refusal("Nobody told this identity provider about that application.");
  if (options.wantsSignedRequests) {
    if (!known.certificate_pem) throw new Refusal("The application has no certificate for signed requests.");
    await parseRequest(request, { signingCert: known.certificate_pem, relayState: request.query.RelayState });
  }
  const asked = first.assertionConsumerServiceURL;
  if (asked && asked !== known.acs_url) throw new Refusal("The answer may not go to that address.");
  return { requestId: first.id, serviceProvider: known, relayState: { ...request.query, ...request.body }.RelayState };
}

async function sso(request, response) {
  const ticket = crypto.randomBytes(16).toString("hex");
  tickets.set(ticket, await acceptRequest(request));
  answer(response, 200, signInPage(ticket, ""));
}

function samlResponse(ticket, person, sessionIndex) {
  const [familyName, ...given] = person.name.split(" ").reverse();
  const user = {
    id: person.email,
    emails: [{ value: person.email }],
    displayName: person.name,
    name: { givenName: given.reverse().join(" "), familyName },
    groups: person.groups,
  };
  const config = {
    issuer: baseUrl + "/metadata",
    cert: certificate,
    key,
    audience: ticket.serviceProvider.entity_id,
    recipient: ticket.serviceProvider.acs_url,
    destination: ticket.serviceProvider.acs_url,
    inResponseTo: ticket.requestId,
    nameIdentifierFormat: EMAIL,
    authnContextClassRef: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    sessionIndex,
    lifetimeInSeconds: 300,
    signatureAlgorithm: "rsa-sha256",
    digestAlgorithm: "sha256",
    signAssertion: options.signs !== "response",
    signResponse: options.signs !== "assertion",
  };
  if (options.encrypts) {
    config.encryptionCert = Buffer.from(ticket.serviceProvider.encryption_certificate_pem);
    config.encryptionPublicKey = crypto.createPublicKey(config.encryptionCert).export({ type: "spki", format: "pem" });
    config.encryptionAlgorithm = `http://www.w3.org/20${options.encrypts.endsWith("gcm") ? "09/xmlenc11" : "01/04/xmlenc"}#${options.encrypts}`;
    // Who asks for AES-CBC here wants it.
    config.disallowEncryptionWithInsecureAlgorithm = false;
    config.warnOnInsecureEncryptionAlgorithm = false;
    config.keyEncryptionAlgorithm = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
  }
  return new Promise((resolve, reject) => {
    samlp.getSamlResponse(config, user, (error, xml) => (error ? reject(error) : resolve(xml)));
  });
}

// What the tile of an application on a start page does: an answer that nobody asked for.
function start(request, response) {
  const serviceProvider = serviceProviders.get(request.query.to);
  if (!serviceProvider) throw new Refusal("Nobody told this identity provider about that application.");
  const ticket = crypto.randomBytes(16).toString("hex");
  tickets.set(ticket, { serviceProvider, relayState: request.query.RelayState });
  answer(response, 200, signInPage(ticket, ""));
}

async function signIn(request, response) {
  const { ticket, user_name: userName, password } = request.body;
  const accepted = tickets.get(ticket);
  const person = options.people.find((one) => one.email === userName);
  if (!accepted) throw new Refusal("This sign-in is over. Start again at the application.");
  if (!person || password !== options.password) {
    return answer(response, 401, signInPage(ticket, "User name or password is wrong."));
  }
  const sessionIndex = "_" + crypto.randomBytes(16).toString("hex");
  const xml = await samlResponse(accepted, person, sessionIndex);
  logout.remember(logout.sessionOf(request, response), accepted.serviceProvider, person.email, EMAIL, sessionIndex);
  return answer(response, 200, sendingPage(accepted.serviceProvider.acs_url, xml, accepted.relayState));
}

function slo(request, response) {
  return logout.take(request, response, { issuer: baseUrl + "/metadata", cert: certificate, key }, options.logsOut).catch((error) => {
    throw new Refusal(error.message);
  });
}

function trust(request, response) {
  serviceProviders.set(request.json.entity_id, request.json);
  answer(response, 204, "");
}

// Browsers ask for one by themselves, and a 404 would pass for a fault of a page.
function noIcon(request, response) {
  answer(response, 204, "");
}

const ROUTES = { "GET /favicon.ico": noIcon, "GET /metadata": metadata, "GET /sso": sso, "POST /sso": sso, "GET /start": start, "POST /sign-in": signIn, "GET /slo": slo, "POST /slo": slo, "POST /service-providers": trust };

async function handle(request, response) {
  const url = new URL(request.url, baseUrl);
  const route = ROUTES[`${request.method} ${url.pathname}`];
  if (!route) return answer(response, 404, "not here", "text/plain");
  request.query = Object.fromEntries(url.searchParams);
  const body = await readBody(request);
  if (request.headers["content-type"] === "application/json") request.json = JSON.parse(body);
  else request.body = Object.fromEntries(new URLSearchParams(body));
  return route(request, response);
}

const server = http.createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    answer(response, error instanceof Refusal ? 403 : 500, page("Refused", `<p>${escapeHtml(error.message)}</p>`));
  });
});

server.listen(options.port, "127.0.0.1", () => {
  baseUrl = `http://127.0.0.1:${server.address().port}`;
  const facts = {
    base_url: baseUrl, entity_id: baseUrl + "/metadata", metadata_url: baseUrl + "/metadata", sso_url: baseUrl + "/sso",
  };
  fs.writeFileSync(options.readyFile + ".partial", JSON.stringify(facts));
  fs.renameSync(options.readyFile + ".partial", options.readyFile);
});

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
