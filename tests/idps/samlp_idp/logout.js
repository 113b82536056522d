// Single Logout at samlp's middleware. It wants of its host what Express has: a session for each browser, and who takes part in it.

"use strict";

const crypto = require("node:crypto");
const samlp = require("samlp");
const SessionParticipants = require("samlp/lib/sessionParticipants");

const BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-";
const COOKIE = "samlp_idp_session";
const sessions = new Map();

// The session of a browser, begun where it has none.
exports.sessionOf = function (request, response) {
  const cookies = (request.headers.cookie || "").split(/;\s*/).map((pair) => pair.split("="));
  const [, known] = cookies.find(([name]) => name === COOKIE) || [];
  if (sessions.has(known)) return sessions.get(known);
  const id = crypto.randomBytes(16).toString("hex");
  sessions.set(id, { id, participants: [], state: {} });
  response.setHeader("Set-Cookie", `${COOKIE}=${id}; Path=/; HttpOnly`);
  return sessions.get(id);
};

// Remember a sign-in. With a certificate, samlp takes no logout message of the service provider without its signature.
exports.remember = function (session, serviceProvider, nameId, nameIdFormat, sessionIndex) {
  session.participants.push({
    serviceProviderId: serviceProvider.entity_id,
    serviceProviderLogoutURL: serviceProvider.slo_url,
    cert: serviceProvider.certificate_pem,
    nameId,
    nameIdFormat,
    sessionIndex,
  });
};

function goodbye(left) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Signed out · samlp</title><link rel="icon" href="data:,"></head>
<body><main><h1>Signed out</h1><p>Everybody was signed out: ${left} left.</p></main></body></html>`;
}

// Take a LogoutRequest or a LogoutResponse; with neither, begin a logout of everybody who takes part.
exports.take = function (request, response, identity, logsOut) {
  const session = exports.sessionOf(request, response);
  request.session = session.state;
  response.set = (name, value) => response.setHeader(name, value);
  response.redirect = (url) => response.writeHead(302, { Location: url }).end();
  return new Promise((resolve, reject) => {
    response.on("finish", resolve);
    response.send = (body) => {
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      response.end(body === 200 ? goodbye(session.participants.length) : body);
    };
    // samlp writes into its options, so these are made for each message.
    samlp.logout({
      ...identity,
      deflate: logsOut === "redirect",
      protocolBinding: BINDING + (logsOut === "redirect" ? "Redirect" : "POST"),
      signatureAlgorithm: "rsa-sha256",
      digestAlgorithm: "sha256",
      sessionParticipants: new SessionParticipants(session.participants),
      clearIdPSession: (done) => {
        sessions.delete(session.id);
        done();
      },
    })(request, response, reject);
  });
};
