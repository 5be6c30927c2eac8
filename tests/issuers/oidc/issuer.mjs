// A real OpenID Connect provider on this machine, for the stories that want tokens of one.
//
//   node --input-type=module --eval "$(cat issuer.mjs)" DIRECTORY PORT KEY...
//
// Keys are files in DIRECTORY, made where they are missing; all of them are published, the first one
// signs. Prints its port once it listens, and ends with its standard input: whoever started it may be
// killed, and it does not stay behind.
import { createServer } from 'node:http';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider, errors } from 'oidc-provider';

const [directory, port, ...names] = process.argv.slice(1);
const ISSUER = 'http://oidc.test';
const SCOPES = 'telematics/ingest telematics/poll telematics/read';
const AUDIENCES = ['urn:bf:telematics', 'urn:bf:billing'];

async function key(kid) {
  const file = join(directory, `${kid}.json`);
  if (!existsSync(file)) {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    writeFileSync(file, JSON.stringify({ ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' }));
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

const client = (client_id) => ({
  client_id,
  client_secret: `secret-of-${client_id}`,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  scope: SCOPES,
});

const provider = new Provider(ISSUER, {
  jwks: { keys: await Promise.all(names.map(key)) },
  clients: [client('depot'), client('stranger')],
  scopes: SCOPES.split(' '),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // Callers need not name what they want a token for.
      defaultResource: () => AUDIENCES[0],
      useGrantedResource: () => true,
      getResourceServerInfo(_, audience) {
        if (!AUDIENCES.includes(audience)) throw new errors.InvalidTarget();
        const jwt = { sign: { alg: 'RS256', kid: names[0] } };
        return { scope: SCOPES, audience, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt };
      },
    },
  },
  // What Cognito says of every access token.
  extraTokenClaims: () => ({ token_use: 'access', version: 2 }),
});

const server = createServer(provider.callback());
server.listen(Number(port), '127.0.0.1', () => console.log(`listens on ${server.address().port}`));
process.stdin.on('end', () => process.exit()).resume();
