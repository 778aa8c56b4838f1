// A user of one tenant tries what is another tenant's.
import * as opcua from 'node-opcua';
import {
  send, statusOf, valueItem, write,
} from './wire.mjs';

export async function stranger(client, { order, result, identity, makeClient }) {
  const owner = await client.createSession(identity());
  const { subscriptionId } = await owner.createSubscription({
    requestedPublishingInterval: 100, requestedLifetimeCount: 100, requestedMaxKeepAliveCount: 10, publishingEnabled: true, priority: 0,
  });
  await owner.createMonitoredItems({
    subscriptionId, timestampsToReturn: opcua.TimestampsToReturn.Both, itemsToCreate: [valueItem(order.more.shared, 1)],
  });

  const other = await makeClient();
  await other.connect(order.url);
  const session = await other.createSession(identity(order.more.user));
  const [start, end] = [new Date(order.more.start), new Date(order.more.end)];
  const valueOf = async (node) => (await session.read({ nodeId: node, attributeId: opcua.AttributeIds.Value })).value.value;
  const own = await session.createSubscription({
    requestedPublishingInterval: 100, requestedLifetimeCount: 100, requestedMaxKeepAliveCount: 10, publishingEnabled: true, priority: 0,
  });

  result.guessed = {};
  for (const id of order.more.guessed) {
    const items = await session.createMonitoredItems({
      subscriptionId: own.subscriptionId, timestampsToReturn: opcua.TimestampsToReturn.Both, itemsToCreate: [valueItem(id, 1)],
    });
    result.guessed[id] = [
      (await session.browse(id)).statusCode.name,
      (await session.read({ nodeId: id, attributeId: opcua.AttributeIds.BrowseName })).statusCode.name,
      (await session.read({ nodeId: id, attributeId: opcua.AttributeIds.Value })).statusCode.name,
      (await write(session, id, 1)).name,
      items.results[0].statusCode.name,
      (await session.readHistoryValue(id, start, end)).statusCode.name,
      (await session.readAggregateValue({ nodeId: id }, start, end, opcua.AggregateFunction.Average, 60000)).statusCode.name,
      (await session.call({ objectId: id, methodId: 'ns=2;i=30', inputArguments: [{ dataType: opcua.DataType.String, value: 'x' }] })).statusCode.name,
    ];
  }

  // What has the same name is the stranger's own.
  result.value = await valueOf(order.more.shared);
  const history = await session.readHistoryValue(order.more.shared, start, end, { returnBounds: false });
  result.history = history.historyData.dataValues.map((value) => value.value.value);
  result.namespaces = await session.readNamespaceArray();
  const translated = await session.translateBrowsePath(opcua.makeBrowsePath('RootFolder', order.more.path));
  result.path = translated.statusCode.name;

  // Nor is a subscription theirs, whoever knows its id.
  const transferred = await session.transferSubscriptions({ subscriptionIds: [subscriptionId], sendInitialValues: true });
  result.transfer = transferred.results[0].statusCode.name;
  result.republish = await statusOf(send(session, new opcua.RepublishRequest({ subscriptionId, retransmitSequenceNumber: 1 })));
  const items = await session.call({
    objectId: 'i=2253', methodId: 'i=11492', inputArguments: [{ dataType: opcua.DataType.UInt32, value: subscriptionId }],
  });
  result.items = items.statusCode.name;
  result.resend = (await session.call({
    objectId: 'i=2253', methodId: 'i=12873', inputArguments: [{ dataType: opcua.DataType.UInt32, value: subscriptionId }],
  })).statusCode.name;
  const deleted = await send(session, new opcua.DeleteSubscriptionsRequest({ subscriptionIds: [subscriptionId] }));
  result.deleted = deleted.results[0].name;
  await session.close();
  await other.disconnect();

  // The owner has it still.
  const message = await send(owner, new opcua.PublishRequest({ subscriptionAcknowledgements: [] }));
  result.owner = message.notificationMessage.notificationData[0].monitoredItems[0].value.value.value;
  await owner.close();
}
