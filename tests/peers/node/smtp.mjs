// A mail server. Arguments: certificate, key (files; without them there is no STARTTLS). User and password: ann, and the variable SMTP_PASSWORD.
// It says on standard output, one line each: "listening <port>", "hanging" and "message <JSON>".
import { readFileSync } from "node:fs";
import { SMTPServer } from "smtp-server";

const [certificate, key, mode] = process.argv.slice(2);
const password = process.env.SMTP_PASSWORD;

function refuse(code, text) {
  return Object.assign(new Error(text), { responseCode: code });
}

const server = new SMTPServer({
  ...(certificate ? { cert: readFileSync(certificate), key: readFileSync(key) } : { hideSTARTTLS: true }),
  secure: mode === "implicit",
  authOptional: !password,
  disabledCommands: password ? [] : ["AUTH"],
  disableReverseLookup: true,

  onAuth(login, session, answer) {
    // As talkative as a server can be: it repeats the password.
    if (login.username !== "ann" || login.password !== password) return answer(refuse(535, `${login.password} is wrong`));
    answer(null, { user: login.username });
  },

  onRcptTo(address, session, answer) {
    if (address.address.startsWith("nobody@")) return answer(refuse(550, "No such mailbox"));
    if (address.address.startsWith("full@")) return answer(refuse(452, "Mailbox is full"));
    answer();
  },

  onData(stream, session, answer) {
    let raw = "";
    stream.on("data", (chunk) => (raw += chunk.toString("latin1")));
    stream.on("end", () => {
      const [to] = session.envelope.rcptTo;
      if (to.address.startsWith("hang@")) return console.log("hanging");
      if (to.address.startsWith("echo@")) return answer(refuse(554, raw.replaceAll(/\s+/g, " ")));
      const { mailFrom, rcptTo } = session.envelope;
      const message = { from: mailFrom.address, to: rcptTo.map((rcpt) => rcpt.address), secure: session.secure, user: session.user ?? null, raw };
      console.log(`message ${JSON.stringify(message)}`);
      answer();
    });
  },
});

server.on("error", () => {}); // a client that hangs up
server.listen(0, "127.0.0.1", () => console.log(`listening ${server.server.address().port}`));
process.stdin.resume().on("end", () => process.exit(0)); // never outlives its test
