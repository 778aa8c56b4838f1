// Uses the host by what openapi-typescript makes of its document. Arguments: url, e-mail address, password, device.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { argv: string[]; exitCode: number };

type Problem = components["schemas"]["Problem"];

const [url = "", email = "", password = "", deviceId = ""] = process.argv.slice(2);

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

function kindOf(problem: Problem | undefined): string | undefined {
  return problem?.type.split(":").at(-1);
}

const api = createClient<paths>({ baseUrl: url });

const signedIn = await api.POST("/api/v1/auth/login", { body: { email, password } });
check(signedIn.data !== undefined, `sign-in: ${signedIn.error?.detail}`);
const { accessToken, expiresIn } = signedIn.data;
check(expiresIn > 0, "a token expires in some seconds");
api.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${accessToken}`);
    return request;
  },
});

const roles = await api.GET("/api/v1/roles");
check(roles.data?.items.some((role) => role.isBuiltIn && role.id === "admin") === true, "roles");

const device = {
  params: { header: { "Idempotency-Key": crypto.randomUUID() } },
  body: { id: deviceId, name: "Press" },
};
const made = await api.POST("/api/v1/devices", device);
check(made.data?.password !== undefined, `a device: ${made.error?.detail}`);
const again = await api.POST("/api/v1/devices", device);
check(again.data?.password === made.data.password, "the same request is done once");

const path = { deviceId };
const posted = await api.POST("/api/v1/devices/{deviceId}/telemetry", {
  params: { path },
  body: [{ data: { temperature: 21.5 } }, { data: { running: true } }],
});
check(posted.response.status === 204, `telemetry: ${posted.error?.detail}`);
const read = await api.GET("/api/v1/devices/{deviceId}/telemetry", {
  params: { path, query: { metric: "temperature", limit: 10 } },
});
const point = read.data?.points[0];
check(point?.metric === "temperature" && point.value === 21.5, `readings: ${JSON.stringify(read.data)}`);

const sent = await api.POST("/api/v1/devices/{deviceId}/commands", {
  params: { path },
  body: { name: "open-valve", data: { percent: 40 }, needsAnswer: true, lifetime: "1h" },
});
check(sent.data?.id === 1 && sent.data.state === "waiting", `a command: ${sent.error?.detail}`);
const commands = await api.GET("/api/v1/devices/{deviceId}/commands", { params: { path, query: { limit: 10 } } });
check(JSON.stringify(commands.data?.items[0]?.data) === '{"percent":40}', `commands: ${JSON.stringify(commands.data)}`);
const command = { ...path, commandId: "1" };
const cancelled = await api.DELETE("/api/v1/devices/{deviceId}/commands/{commandId}", { params: { path: command } });
check(cancelled.data?.state === "cancelled" && cancelled.data.answer === null, `a command taken back: ${cancelled.error?.detail}`);

const missing = await api.GET("/api/v1/devices/{deviceId}", { params: { path: { deviceId: "missing" } } });
check(missing.error?.status === 404 && kindOf(missing.error) === "not-found", "a missing device");

const seen = await api.GET("/api/v1/devices/{deviceId}", { params: { path } });
const header = { "If-Match": seen.response.headers.get("ETag") ?? "" };
const body = { name: "Press 2", state: "enabled" };
const changed = await api.PUT("/api/v1/devices/{deviceId}", { params: { path, header }, body });
check(changed.data?.name === "Press 2" && changed.data.version > (seen.data?.version ?? 0), `a change: ${changed.error?.detail}`);
const stale = await api.PUT("/api/v1/devices/{deviceId}", { params: { path, header }, body });
check(kindOf(stale.error) === "changed", "a change of what has changed");

// @ts-expect-error Without If-Match it does not compile.
const unseen = await api.PUT("/api/v1/devices/{deviceId}", { params: { path }, body });
check(kindOf(unseen.error) === "precondition-required", "a change without If-Match");

console.log("done");
