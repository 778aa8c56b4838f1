// Asks a server for what the tests expect of it, in turn. Arguments: port, query that shows who asks.
// It says on standard output, one line each: a JSON object with the step, the answer's code and its text.
import coap from "coap";

const [port, token] = process.argv.slice(2);
const patience = 20000;

function open(method, pathname, { query = token, options = {}, ...more } = {}) {
  return coap.request({ hostname: "127.0.0.1", port: Number(port), method, pathname, query, options, ...more });
}

function ask(method, pathname, { payload, ...more } = {}) {
  return new Promise((resolve, reject) => {
    const request = open(method, pathname, more);
    request.on("response", resolve);
    request.on("error", reject);
    request.end(payload);
  });
}

async function say(step, ...what) {
  const answer = await ask(...what);
  console.log(JSON.stringify({ step, code: answer.code, text: answer.payload.toString() }));
}

// Every state that comes is followed by the next one, set by a request of another kind.
function observe(pathname, count) {
  return new Promise((resolve, reject) => {
    const request = open("GET", pathname, { observe: true });
    const states = [];
    request.on("error", reject);
    request.on("response", (stream) => {
      stream.on("error", reject);
      stream.on("data", (state) => {
        states.push(state.toString());
        if (states.length < count) return ask("PUT", pathname, { payload: `state ${states.length}` }).catch(reject);
        stream.close();
        resolve(states);
      });
    });
    request.end();
  });
}

const stuck = setTimeout(() => {
  console.error("No answer.");
  process.exit(1);
}, patience);

const json = { "Content-Format": "application/json" };
const inBlocks = { Block1: Buffer.of(6) };
const readings = Array.from({ length: 200 }, (_, i) => ({ data: { n: i }, timestamp: 1777000000000 + i }));

await say("post", "POST", "/telemetry", { options: json, payload: '{"data":{"temp":21.5}}' });
await say("cbor", "POST", "/telemetry", { options: { "Content-Format": 60 }, payload: Buffer.from("a16464617461a16474656d70f94d60", "hex") });
await say("non-confirmable", "POST", "/telemetry", { confirmable: false, options: json, payload: '{"data":{"temp":20.5}}' });
await say("blocks", "POST", "/telemetry", { options: { ...json, ...inBlocks }, payload: JSON.stringify(readings) });
await say("stranger", "POST", "/telemetry", { query: "", options: json, payload: '{"data":{"temp":1}}' });
await say("malformed", "POST", "/telemetry", { options: json, payload: "{" });
await say("discovery", "GET", "/.well-known/core", { query: "rt=insa.ti*" });
await say("large", "GET", "/large");
console.log(JSON.stringify({ step: "observe", code: "", text: (await observe("/state", 6)).join() }));
clearTimeout(stuck);
process.exit(0);
