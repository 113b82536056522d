import * as jose from "jose";

const issuer = "{{ issuer }}";
const audience = "{{ identifier }}";
const keys = jose.createRemoteJWKSet(new URL(`${issuer}/jwks.json`));
const expected = { issuer, audience, typ: "at+jwt", algorithms: ["RS256", "EdDSA"], requiredClaims: ["sub", "exp"] };

export async function caller(token, scope) {
  const { payload } = await jose.jwtVerify(token, keys, expected);
  if (!(payload.scope ?? "").split(" ").includes(scope)) throw new Error("the token is not for this");
  return payload;
}
