// Subscribes, publishes one reading and one command to itself, and says what it heard. Arguments: url, version, qos, user, password.
import mqtt from "mqtt";

const [url, version, qos, username, password] = process.argv.slice(2);
const client = mqtt.connect(url, {
  protocolVersion: Number(version),
  username,
  password,
  reconnectPeriod: 0,
  connectTimeout: 20000,
});

function fail(error) {
  console.error(String(error));
  process.exit(1);
}

client.on("error", fail);
client.on("close", () => fail("The connection was closed."));
client.on("message", async (topic, payload) => {
  console.log(`heard ${topic} ${payload}`);
  client.removeAllListeners("close");
  await client.endAsync();
  process.exit(0);
});
client.on("connect", async () => {
  try {
    await client.subscribeAsync("commands/#", { qos: Number(qos) });
    await client.publishAsync("telemetry", JSON.stringify({ data: { temp: 21.5 } }), { qos: Number(qos) });

    // QoS 0 is answered by nothing: an acknowledged message behind it says that it was taken.
    await client.publishAsync("telemetry", JSON.stringify({ data: { last: 1 } }), { qos: 1 });
    await client.publishAsync("commands/start", "now", { qos: Number(qos) });
  } catch (error) {
    fail(error);
  }
});
