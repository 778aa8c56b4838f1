// A client of node-opcua that watches events, for interoperability tests. Its one argument is JSON that says what to do; it prints one line of JSON.
import * as opcua from 'node-opcua';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

const { AttributeIds, DataType, FilterOperator, MessageSecurityMode, SecurityPolicy, TimestampsToReturn, UserTokenType } = opcua;

const order = JSON.parse(process.argv[2]);
const result = { ok: false };

async function connect() {
  mkdirSync(order.folder, { recursive: true });
  const certificates = new opcua.OPCUACertificateManager({ rootFolder: path.join(order.folder, 'pki'), automaticallyAcceptUnknownCertificate: true });
  await certificates.initialize();
  const client = opcua.OPCUAClient.create({
    applicationName: 'Peer',
    applicationUri: order.applicationUri,
    certificateFile: order.certificate,
    privateKeyFile: order.key,
    clientCertificateManager: certificates,
    securityMode: MessageSecurityMode[order.mode],
    securityPolicy: SecurityPolicy[order.policy],
    endpointMustExist: false,
    keepSessionAlive: false,
    connectionStrategy: { maxRetry: 1, initialDelay: 100, maxDelay: 500 },
  });
  await client.connect(order.url);
  const session = await client.createSession({ type: UserTokenType.UserName, userName: order.token.user, password: order.token.password });
  return { client, session };
}

const field = (name) => new opcua.SimpleAttributeOperand({
  typeDefinitionId: opcua.resolveNodeId('i=2041'), browsePath: [{ name }], attributeId: AttributeIds.Value,
});

const atLeast = (severity) => ({
  elements: [{
    filterOperator: FilterOperator.GreaterThanOrEqual,
    filterOperands: [field('Severity'), new opcua.LiteralOperand({ value: { dataType: DataType.UInt16, value: severity } })],
  }],
});

const ofType = (nodeId) => ({
  elements: [{
    filterOperator: FilterOperator.OfType,
    filterOperands: [new opcua.LiteralOperand({ value: { dataType: DataType.NodeId, value: opcua.resolveNodeId(nodeId) } })],
  }],
});

// Watches a node until there have been so many events.
async function watch(subscription, nodeId, names, whereClause, count) {
  const filter = opcua.constructEventFilter(names);
  if (whereClause) filter.whereClause = new opcua.ContentFilter(whereClause);
  const item = await subscription.monitor(
    { nodeId, attributeId: AttributeIds.EventNotifier },
    { queueSize: 1000, discardOldest: true, filter },
    TimestampsToReturn.Both,
  );
  const events = [];
  const done = new Promise((resolve) => {
    item.on('changed', (fields) => {
      events.push(Object.fromEntries(names.map((name, i) => [name, fields[i]])));
      if (events.length === count) resolve();
    });
  });
  return { item, events, done };
}

const call = (session, objectId, methodId, inputArguments) => session.call({ objectId, methodId, inputArguments });

const actions = {
  // An alarm as a condition: it comes, is acknowledged, and is told once more by a refresh.
  async alarms(session, subscription) {
    const names = ['EventId', 'EventType', 'Message', 'ConditionName', 'Retain', 'AckedState.Id', 'ActiveState.Id', 'Comment', 'ClientUserId', 'ConditionId'];
    const filter = opcua.constructEventFilter(names.slice(0, -1));
    filter.selectClauses.push(new opcua.SimpleAttributeOperand({
      typeDefinitionId: opcua.resolveNodeId('i=2782'), browsePath: [], attributeId: AttributeIds.NodeId,
    }));
    const item = await subscription.monitor(
      { nodeId: 'ns=3;s=press-1', attributeId: AttributeIds.EventNotifier },
      { queueSize: 1000, discardOldest: true, filter },
      TimestampsToReturn.Both,
    );
    const events = [];
    let heard = () => {};
    item.on('changed', (fields) => {
      events.push(Object.fromEntries(names.map((name, i) => [name, fields[i]?.value])));
      heard();
    });
    const until = (count) => new Promise((resolve) => {
      heard = () => { if (events.length >= count) resolve(); };
      heard();
    });
    const refresh = () => call(session, 'i=2782', 'i=3875', [{ dataType: DataType.UInt32, value: subscription.subscriptionId }]);

    result.refreshed = (await refresh()).statusCode.name;
    await until(3);
    const [, alarm] = events;
    result.alarm = {
      type: alarm.EventType.toString(), name: alarm.ConditionName, message: alarm.Message.text, retain: alarm.Retain,
      acked: alarm['AckedState.Id'], active: alarm['ActiveState.Id'], condition: alarm.ConditionId.toString(),
    };
    const acknowledge = () => call(session, alarm.ConditionId, 'i=9111', [
      { dataType: DataType.ByteString, value: alarm.EventId },
      { dataType: DataType.LocalizedText, value: { locale: 'en', text: 'seen' } },
    ]);
    result.acknowledged = (await acknowledge()).statusCode.name;
    await until(4);
    result.after = { acked: events[3]['AckedState.Id'], comment: events[3].Comment.text, user: events[3].ClientUserId, retain: events[3].Retain };
    result.again = (await acknowledge()).statusCode.name;
    await refresh();
    await until(7);
    result.same = events[5].EventId.equals(events[3].EventId);
    result.ends = [events[4].EventType.toString(), events[6].EventType.toString()];
  },

  // Events of a device by a where clause, and model changes of the server.
  async events(session, subscription) {
    const names = ['EventId', 'EventType', 'SourceNode', 'SourceName', 'Time', 'ReceiveTime', 'Message', 'Severity'];
    const device = await watch(subscription, 'ns=3;s=press-1', names, atLeast(300), 3);
    const server = await watch(subscription, 'i=2253', [...names, 'Changes'], ofType('i=2133'), 2);
    await Promise.all([device.done, server.done]);
    result.severities = device.events.map((e) => e.Severity.value);
    result.sources = device.events.map((e) => e.SourceNode.value.toString());
    result.messages = device.events.map((e) => e.Message.value.text);
    result.ids = new Set(device.events.map((e) => e.EventId.value.toString('hex'))).size;
    result.types = server.events.map((e) => e.EventType.value.toString());
    result.changes = server.events.map((e) => e.Changes.value.map((change) => change.affected.toString()));
  },
};

try {
  const { client, session } = await connect();
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: 100,
    requestedLifetimeCount: 1000,
    requestedMaxKeepAliveCount: 10,
    maxNotificationsPerPublish: 100,
    publishingEnabled: true,
    priority: 1,
  });
  await actions[order.action](session, subscription);
  result.ok = true;
  await subscription.terminate();
  await session.close();
  await client.disconnect();
} catch (error) {
  result.error = error.message;
}
console.log(JSON.stringify(result));
process.exit(0);
