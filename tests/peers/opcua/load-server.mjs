// A node-opcua server for the load tool: devices "press-NN" with metrics "mNN" in namespace 1, all policies, anonymous.
// Arguments: port, folder for its certificates, devices, metrics per device, changes per second of each variable (0: none), and how many change.
import { OPCUAServer, OPCUACertificateManager, Variant, DataType, SecurityPolicy, MessageSecurityMode } from "node-opcua";

const [port, folder, devices, metrics, rate, changing] = process.argv.slice(2).map((a, i) => (i === 1 ? a : Number(a)));
process.stdin.on("end", () => process.exit(0)).resume();
const server = new OPCUAServer({
  port,
  hostname: "127.0.0.1",
  allowAnonymous: true,
  maxConnectionsPerEndpoint: 2000,
  serverCertificateManager: new OPCUACertificateManager({ rootFolder: folder, automaticallyAcceptUnknownCertificate: true }),
  securityPolicies: [
    SecurityPolicy.None,
    SecurityPolicy.Basic256Sha256,
    SecurityPolicy.Aes128_Sha256_RsaOaep,
    SecurityPolicy.Aes256_Sha256_RsaPss,
  ],
  securityModes: [MessageSecurityMode.None, MessageSecurityMode.SignAndEncrypt],
  serverCapabilities: {
    maxSessions: 2000,
    maxSubscriptions: 2000,
    maxSubscriptionsPerSession: 1000,
    maxMonitoredItems: 1_000_000,
    maxMonitoredItemsPerSubscription: 1_000_000,
  },
});
await server.initialize();
const space = server.engine.addressSpace.getOwnNamespace();
const variables = [];
for (let d = 0; d < devices; d++) {
  const name = `press-${String(d).padStart(2, "0")}`;
  const device = space.addObject({ organizedBy: server.engine.addressSpace.rootFolder.objects, browseName: name });
  for (let m = 0; m < metrics; m++) {
    const metric = `m${String(m).padStart(2, "0")}`;
    const variable = space.addVariable({
      componentOf: device,
      browseName: metric,
      nodeId: `ns=1;s=${name}/${metric}`,
      dataType: "Double",
      minimumSamplingInterval: rate ? 0 : 1000,
    });
    variable.setValueFromSource(new Variant({ dataType: DataType.Double, value: d + m / 100 }));
    variables.push(variable);
  }
}
await server.start();
if (rate) {
  let round = 0;
  setInterval(() => {
    round++;
    for (let i = 0; i < changing; i++)
      variables[i].setValueFromSource(new Variant({ dataType: DataType.Double, value: round + i / variables.length }));
  }, 1000 / rate);
}
console.log("listening");
