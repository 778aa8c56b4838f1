// A client of node-opcua, for interoperability tests. Its one argument is JSON that says what to do; it prints one line of JSON. Meanwhile it may ask the
// test for something: by a line that begins with '?', which is answered by a line when it is done.
import * as opcua from 'node-opcua';
import { readFileSync, mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import path from 'node:path';
import * as history from './history.mjs';
import * as stranger from './stranger.mjs';
import * as subscriptions from './subscriptions.mjs';

const {
  OPCUAClient, OPCUACertificateManager, MessageSecurityMode, SecurityPolicy, UserTokenType,
} = opcua;

const order = JSON.parse(process.argv[2]);
const result = { ok: false };

const answers = createInterface({ input: process.stdin });

// Has the test do something.
function ask(what) {
  console.log(`? ${what}`);
  return new Promise((resolve) => { answers.once('line', resolve); });
}

function identity(user) {
  switch (order.token?.kind) {
    case 'password':
      return { type: UserTokenType.UserName, userName: user ?? order.token.user, password: order.token.password };
    case 'certificate':
      return {
        type: UserTokenType.Certificate,
        certificateData: readFileSync(order.token.certificate),
        privateKey: readFileSync(order.token.key, 'utf8'),
      };
    default:
      return { type: UserTokenType.Anonymous };
  }
}

async function makeClient() {
  mkdirSync(order.folder, { recursive: true });
  const certificates = new OPCUACertificateManager({ rootFolder: path.join(order.folder, 'pki'), automaticallyAcceptUnknownCertificate: true });
  await certificates.initialize();
  return OPCUAClient.create({
    applicationName: 'Peer',
    applicationUri: order.applicationUri,
    certificateFile: order.certificate,
    privateKeyFile: order.key,
    clientCertificateManager: certificates,
    securityMode: MessageSecurityMode[order.mode ?? 'None'],
    securityPolicy: SecurityPolicy[order.policy ?? 'None'],
    endpointMustExist: false,
    defaultSecureTokenLifetime: order.lifetime ?? 600000,
    tokenRenewalInterval: order.renewal ?? 0,
    keepSessionAlive: false,
    connectionStrategy: { maxRetry: order.retries ?? (order.action === 'reconnect' ? 10 : 1), initialDelay: 100, maxDelay: 500 },
    requestedSessionTimeout: 60000,
  });
}

const pathToTemperature = '/Objects/2:Tenants/3:acme/2:Devices/3:press-1/2:Telemetry/3:temp';

// The nodes below one, as a client's tree shows them.
async function countBelow(session, nodeId, seen = new Set()) {
  if (seen.has(nodeId.toString())) return seen.size;
  seen.add(nodeId.toString());
  const found = await session.browse({
    nodeId, browseDirection: 0, referenceTypeId: 'HierarchicalReferences', includeSubtypes: true, nodeClassMask: 0, resultMask: 63,
  });
  for (const reference of found.references) await countBelow(session, reference.nodeId, seen);
  return seen.size;
}

const actions = {
  // Goes through the address space, reads, writes and calls.
  async space(client) {
    const session = await client.createSession(identity());
    const translated = await session.translateBrowsePath(opcua.makeBrowsePath('RootFolder', pathToTemperature));
    const temperature = translated.targets[0].targetId;
    result.node = temperature.toString();
    result.namespaces = await session.readNamespaceArray();
    result.below = await countBelow(session, opcua.resolveNodeId('ObjectsFolder'));
    result.types = await countBelow(session, opcua.resolveNodeId('TypesFolder'));
    const all = await session.read(Object.values(opcua.AttributeIds).filter((id) => id > 0 && id <= 27).map((attributeId) => ({ nodeId: temperature, attributeId })));
    result.good = all.filter((value) => value.statusCode.isGood()).length;
    result.before = (await session.read({ nodeId: temperature, attributeId: opcua.AttributeIds.Value })).value.value;
    const many = await session.read(Array.from({ length: 1000 }, () => ({ nodeId: temperature, attributeId: opcua.AttributeIds.Value })));
    result.many = many.filter((value) => value.value.value === result.before).length;
    const written = await session.write({
      nodeId: temperature, attributeId: opcua.AttributeIds.Value, value: { value: { dataType: opcua.DataType.Double, value: 30.5 } },
    });
    result.written = written.name;
    result.after = (await session.read({ nodeId: temperature, attributeId: opcua.AttributeIds.Value })).value.value;
    const called = await session.call({
      objectId: 'ns=3;s=press-1', methodId: 'ns=2;i=30', inputArguments: [{ dataType: opcua.DataType.String, value: 'maintenance' }],
    });
    result.called = called.statusCode.name;
    result.foreign = (await session.read({ nodeId: 'ns=3;s=only-globex/temp', attributeId: opcua.AttributeIds.Value })).statusCode.name;
    result.arguments = (await session.getArgumentDefinition('ns=2;i=33')).inputArguments.map((argument) => argument.name);
    await session.close();
  },

  // Signs in and out.
  async connect(client) {
    const session = await client.createSession(identity());
    result.sessionId = session.sessionId.toString();
    await session.close();
  },

  // Only looks at what is offered.
  async endpoints(client) {
    const endpoints = await client.getEndpoints();
    result.endpoints = endpoints.map((e) => `${e.securityPolicyUri.split('#')[1]}/${MessageSecurityMode[e.securityMode]}`);
    const servers = await client.findServers();
    result.servers = servers.map((s) => s.applicationUri);
  },

  // Asks without a pause while tokens are renewed.
  async renew(client) {
    let renewed = 0;
    client.on('security_token_renewed', () => { renewed += 1; });
    const session = await client.createSession(identity());
    const end = Date.now() + order.milliseconds;
    let calls = 0;
    while (Date.now() < end) {
      await client.getEndpoints();
      calls += 1;
    }
    Object.assign(result, { renewed, calls });
    await session.close();
  },

  // Is cut off, comes back with the same session, and goes on.
  async reconnect(client) {
    const session = await client.createSession(identity());
    const before = session.sessionId.toString();
    const back = new Promise((resolve) => {
      session.once('session_repaired', () => resolve('repaired'));
      session.once('session_restored', () => resolve('replaced'));
    });
    const socket = client._secureChannel.getTransport()._socket;
    socket.end();
    socket.destroy();
    socket.emit('error', new Error('ECONNRESET'));
    Object.assign(result, { session: await back, same: session.sessionId.toString() === before });
    await session.close();
  },
};

Object.assign(actions, history, stranger, subscriptions);

setTimeout(() => {
  console.log(JSON.stringify({ ...result, error: 'it took too long' }));
  process.exit(0);
}, 60000).unref();

let client;
try {
  client = await makeClient();
  if (!order.waits) await client.connect(order.url);
  await actions[order.action](client, { order, result, identity, makeClient, ask });
  result.ok = true;
} catch (error) {
  result.error = `${error.message}`.split('\n')[0];
} finally {
  try { await client?.disconnect(); } catch { /* it was not connected */ }
}
console.log(JSON.stringify(result));
process.exit(0);
