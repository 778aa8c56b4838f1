// Publishes numbered readings, persistent and confirmed. Arguments: url, exchange, device, count.
import amqp from "amqplib";

const [url, exchange, device, count] = process.argv.slice(2);
const connection = await amqp.connect(url);
const channel = await connection.createConfirmChannel();
channel.on("return", () => {
  console.error("A message was returned.");
  process.exit(1);
});
for (let n = 0; n < Number(count); n++) {
  const body = Buffer.from(JSON.stringify({ data: { n } }));
  channel.publish(exchange, `telemetry.${device}`, body, { persistent: true, mandatory: true, contentType: "application/json" });
}
await channel.waitForConfirms();
await connection.close();
console.log(`confirmed ${count}`);
