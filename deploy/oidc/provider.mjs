// A certified OpenID provider on the loopback, for the sign-in tests: everybody who is listed may
// sign in, with any password. Its configuration is one line of JSON on standard input,
//   {"clients": [...], "accounts": {sub: claims}}
// and it prints {"issuer": ...} when it listens. It ends when standard input does.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

import Provider from "oidc-provider";

const input = createInterface({ input: process.stdin });
const { clients, accounts } = await new Promise((done) => {
  input.once("line", (line) => done(JSON.parse(line)));
});
input.once("close", () => process.exit(0));

const pairs = [
  ["RS256", generateKeyPairSync("rsa", { modulusLength: 2048 })],
  ["ES256", generateKeyPairSync("ec", { namedCurve: "P-256" })],
  ["EdDSA", generateKeyPairSync("ed25519")],
];
const keys = pairs.map(([alg, { privateKey }]) => ({
  ...privateKey.export({ format: "jwk" }), alg, use: "sig", kid: `test-${alg}`,
}));

const server = createServer();
await new Promise((done) => { server.listen(0, "127.0.0.1", done); });
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients,
  jwks: { keys },
  cookies: { keys: ["only for tests"] },
  // Claims go into the ID token, as companies' providers have it.
  conformIdTokenClaims: false,
  claims: {
    openid: ["sub", ...new Set(Object.values(accounts).flatMap((claims) => Object.keys(claims)))],
  },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA", "HS256"] },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  pkce: { required: () => true },
  findAccount: (_, sub) => accounts[sub] && {
    accountId: sub,
    claims: () => ({ sub, ...accounts[sub] }),
  },
  // Nobody is asked for consent to what the company's own pages see.
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid");
    await grant.save();
    return grant;
  },
});
server.on("request", provider.callback());
console.log(JSON.stringify({ issuer }));
