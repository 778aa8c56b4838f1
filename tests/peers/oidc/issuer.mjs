// An OpenID Connect issuer with keys of its own, on a free port of loopback, until its input ends. Says where it listens.
// Argument: the name it issues under, if not its own address. A client's id says what its tokens claim: verified:ann@example.com.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const clients = ["verified:ann@example.com", "unverified:ann@example.com", "verified:nobody@example.com"];

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const address = `http://127.0.0.1:${server.address().port}`;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = new Provider(process.argv[2] ?? address, {
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
    clients: clients.map((id) => ({
      client_id: id,
      client_secret: "secret",
      token_endpoint_auth_method: "client_secret_post",
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
    })),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, audience) => ({
          audience,
          scope: "",
          accessTokenFormat: "jwt",
          accessTokenTTL: 600,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
    extraTokenClaims(_, token) {
      const [kind, email] = token.clientId.split(":");
      return { email, email_verified: kind === "verified" };
    },
  });
  server.on("request", provider.callback());
  console.log(address);
});

process.stdin.on("end", () => process.exit(0)).resume();
