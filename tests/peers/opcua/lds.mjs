// A local discovery server of node-opcua. Arguments: port, folder for its certificates, and what it does: "trusts" every certificate or none ("distrusts"),
// or is one of old that does not know RegisterServer2 ("old"). Says on a line of its output when it is ready, and who comes and goes.
import { OPCUACertificateManager, OPCUADiscoveryServer, ServiceFault, StatusCodes } from "node-opcua";

const [port, folder, kind] = process.argv.slice(2);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

class Lds extends OPCUADiscoveryServer {
  _on_RegisterServer2Request(message, channel) {
    if (kind !== "old") return super._on_RegisterServer2Request(message, channel);
    channel.send_response("MSG", new ServiceFault({ responseHeader: { serviceResult: StatusCodes.BadServiceUnsupported } }), message);
  }
}

process.stdin.on("end", () => process.exit(0)).resume();
const manager = new OPCUACertificateManager({ rootFolder: folder, automaticallyAcceptUnknownCertificate: kind !== "distrusts" });
await manager.initialize();
const lds = new Lds({ port: Number(port), hostname: "localhost", serverCertificateManager: manager });
lds.on("onRegisterServer", (server) => say({ event: "registered", uri: server.serverUri, urls: server.discoveryUrls }));
lds.on("onUnregisterServer", (server) => say({ event: "left", uri: server.serverUri }));
await lds.start();
say({ event: "ready", certificate: lds.getCertificate().toString("base64") });
