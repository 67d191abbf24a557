// A real OpenID Connect identity provider for the tests: panva's certified `oidc-provider`.
//
//   node provider.mjs MODULES KEYS PORT
//
// MODULES is the folder that `npm ci` filled, KEYS the file of its private keys, made if it is
// missing, and PORT 0 for any free one. It prints `ready ISSUER` once it answers on 127.0.0.1.
// Each line `rotate` on standard input makes new signing keys and is answered by `rotated`; the
// keys before them stay published, those before that are gone. It ends when its input closes.
//
// A client registers itself (RFC 7591) and says in the metadata `issues` what its access tokens
// are to hold: {audience, lifetime_s, algorithm, claims}. The client credentials grant then
// hands it JWTs (RFC 9068). Everything but the keys is in memory.

import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [modules, keysFile, port] = process.argv.slice(2);
const installed = createRequire(`${modules}/`);
const { Provider } = await import(installed.resolve("oidc-provider"));

const RESOURCE = "urn:the-api"; // what every token is for; its audience is the client's to say
console.info = console.warn; // standard output is for the answers

function newKeys() {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return [
    { ...rsa.privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" },
    { ...ec.privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256" },
  ];
}

function keep(generations) {
  writeFileSync(keysFile, JSON.stringify(generations), { mode: 0o600 });
  return generations;
}

function providerWith(keys) {
  return new Provider(issuer, {
    jwks: { keys }, // the first key that fits signs
    clientDefaults: { grant_types: ["client_credentials"], response_types: [] },
    extraClientMetadata: { properties: ["issues"] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: (_context, _resource, { issues }) => ({
          scope: "",
          audience: issues.audience,
          accessTokenTTL: issues.lifetime_s,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: issues.algorithm } },
        }),
      },
    },
    formats: {
      customizers: {
        jwt: (_context, { client }, { payload }) => Object.assign(payload, client.issues.claims),
      },
    },
  }).callback();
}

const server = createServer((request, response) => answer(request, response));
await new Promise((listening) => server.listen(Number(port), "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
let generations = existsSync(keysFile)
  ? JSON.parse(readFileSync(keysFile, "utf8"))
  : keep([newKeys()]);
let answer = providerWith(generations.flat());
console.log(`ready ${issuer}`);

for await (const line of createInterface({ input: process.stdin })) {
  if (line !== "rotate") throw new Error(`unknown command: ${line}`);
  generations = keep([newKeys(), generations[0]]);
  answer = providerWith(generations.flat());
  console.log("rotated");
}
process.exit();
