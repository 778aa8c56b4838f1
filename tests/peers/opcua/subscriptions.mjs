// Subscriptions and monitored items.
import * as opcua from 'node-opcua';
import {
  send, startProxy, statusOf, until, valueItem, write,
} from './wire.mjs';

const { ClientMonitoredItem, ClientSubscription, MonitoringMode, TimestampsToReturn } = opcua;

function subscribe(session, publishingInterval = 100) {
  return ClientSubscription.create(session, {
    requestedPublishingInterval: publishingInterval,
    requestedLifetimeCount: 1000,
    requestedMaxKeepAliveCount: 10,
    maxNotificationsPerPublish: 20,
    publishingEnabled: true,
    priority: 1,
  });
}

function filterOf(deadband) {
  return deadband && new opcua.DataChangeFilter({
    trigger: opcua.DataChangeTrigger.StatusValue,
    deadbandType: opcua.DeadbandType[deadband.type],
    deadbandValue: deadband.value,
  });
}

async function monitor(subscription, node, { deadband, mode = MonitoringMode.Reporting, queueSize = 1000 } = {}) {
  const values = [];
  const item = ClientMonitoredItem.create(
    subscription,
    { nodeId: node, attributeId: opcua.AttributeIds.Value },
    { samplingInterval: 0, queueSize, discardOldest: true, filter: filterOf(deadband) },
    TimestampsToReturn.Both,
    mode,
  );
  item.on('changed', (value) => values.push(value.value.value));
  await new Promise((resolve, reject) => { item.once('initialized', resolve).once('err', (text) => reject(new Error(text))); });
  return { item, values };
}

// Watches nodes while the test sends telemetry and this client writes, until each has its last value.
export async function watch(client, { order, result, identity, ask }) {
  const session = await client.createSession(identity());
  const subscription = subscribe(session);
  const watched = [];
  for (const item of order.more.items) watched.push(await monitor(subscription, item.node, { deadband: item.deadband }));
  const telemetry = ask('telemetry');
  for (const [node, values] of Object.entries(order.more.writes ?? {})) {
    for (const value of values) {
      const status = await write(session, node, value);
      if (status.isNotGood()) throw new Error(`${node} was not written: ${status.name}`);
    }
  }
  await telemetry;
  await until(() => order.more.items.every((item, i) => watched[i].values.includes(item.last)));
  result.values = watched.map((item) => item.values);
  await subscription.terminate();
  await session.close();
}

// An item that only samples reports when the item that it is linked to does.
export async function trigger(client, { order, result, identity }) {
  const session = await client.createSession(identity());
  const subscription = subscribe(session);
  const { trigger: triggering, sampled } = order.more;
  const first = await monitor(subscription, triggering);
  const second = await monitor(subscription, sampled, { mode: MonitoringMode.Sampling });
  const links = { subscriptionId: subscription.subscriptionId, triggeringItemId: first.item.monitoredItemId };
  const added = await session.setTriggering({ ...links, linksToAdd: [second.item.monitoredItemId, 4711] });
  result.added = added.addResults.map((status) => status.name);
  for (const value of [1, 2, 3]) await write(session, sampled, value);
  result.before = [...second.values];
  await write(session, triggering, 50);
  await until(() => first.values.includes(50) && second.values.includes(3));
  result.triggered = [...second.values];

  const removed = await session.setTriggering({ ...links, linksToRemove: [second.item.monitoredItemId] });
  result.removed = removed.removeResults.map((status) => status.name);
  await write(session, sampled, 4);
  for (const value of [60, 70]) {
    await write(session, triggering, value);
    await until(() => first.values.includes(value));
  }
  result.after = [...second.values];
  await session.close();
}

// GetMonitoredItems, ResendData and Cancel.
export async function methods(client, { order, result, identity }) {
  const session = await client.createSession(identity());
  const subscription = subscribe(session);
  const watched = [];
  for (const node of order.more.nodes) watched.push(await monitor(subscription, node));
  await until(() => watched.every((item) => item.values.length === 1));
  const items = await session.getMonitoredItems(subscription.subscriptionId);
  const expected = watched.map(({ item }) => item.monitoredItemId).sort();
  result.sameItems = [...items.serverHandles].sort().join() === expected.join();
  result.foreign = await statusOf(session.getMonitoredItems(4711));
  const call = (id) => session.call({
    objectId: 'i=2253',
    methodId: 'i=12873',
    inputArguments: [{ dataType: opcua.DataType.UInt32, value: id }],
  });
  result.resent = (await call(subscription.subscriptionId)).statusCode.name;
  result.resentForeign = (await call(4711)).statusCode.name;
  await until(() => watched.every((item) => item.values.length === 2));
  result.values = watched.map((item) => item.values);

  // Nothing changes any more: a Publish request waits until it is taken back.
  const publish = new opcua.PublishRequest({ subscriptionAcknowledgements: [] });
  const waiting = statusOf(send(session, publish));
  const { requestHandle } = publish.requestHeader;
  result.cancelled = (await send(session, new opcua.CancelRequest({ requestHandle }))).cancelCount;
  result.takenBack = await waiting;
  result.cancelledAgain = (await send(session, new opcua.CancelRequest({ requestHandle }))).cancelCount;
  await session.close();
}

// The client's own way back: its connection is cut again and again, then its session is gone as well and it takes the subscription over. It may publish
// before it has asked for what it missed, and then asks no more: this is made up for at the end, as the server must have kept those messages.
export async function survive(client, { order, result, identity, ask }) {
  const proxy = await startProxy(order.url);
  await client.connect(proxy.url);
  const session = await client.createSession(identity());
  const before = session.sessionId.toString();
  const events = [];
  session.on('session_restored', () => events.push(session.sessionId.toString() === before ? 'same' : 'other'));
  const subscription = subscribe(session);
  const seen = new Map();
  subscription.on('raw_notification', (message) => {
    if (message.notificationData?.length) seen.set(message.sequenceNumber, valuesOf(message));
  });
  const { values } = await monitor(subscription, order.more.node);
  const { subscriptionId } = subscription;
  for (let cuts = 0; cuts < 3; cuts += 1) {
    const [had, known] = [values.length, events.length];
    const telemetry = ask('telemetry');
    await until(() => values.length > had + 10);
    proxy.isDeaf = true;
    await until(() => proxy.lost > 0);
    proxy.lost = 0;
    proxy.cut();
    await until(() => events.length > known);
    await telemetry;
  }
  await ask('close session');
  proxy.cut();
  await ask('more');
  await until(() => values.includes(order.more.last));
  result.missed = 0;
  for (let sequenceNumber = 1; sequenceNumber <= Math.max(...seen.keys()); sequenceNumber += 1) {
    if (seen.has(sequenceNumber)) continue;
    const { notificationMessage } = await send(session, new opcua.RepublishRequest({ subscriptionId, retransmitSequenceNumber: sequenceNumber }));
    seen.set(sequenceNumber, valuesOf(notificationMessage));
    result.missed += 1;
  }
  result.values = [...seen.keys()].sort((a, b) => a - b).flatMap((number) => seen.get(number));
  Object.assign(result, { events, isKept: subscription.subscriptionId === subscriptionId });
  await session.close();
  proxy.close();
}

async function publishOnce(session, acknowledgements = []) {
  const response = await send(session, new opcua.PublishRequest({ subscriptionAcknowledgements: acknowledgements }));
  return response.notificationMessage;
}

function valuesOf(message) {
  return (message.notificationData ?? []).flatMap((data) => (data.monitoredItems ?? []).map((item) => item.value.value.value));
}

// By single services: what the first client has not acknowledged, and what was lost on its connection, the second one has by Republish.
export async function transfer(client, { order, result, identity, makeClient, ask }) {
  const proxy = await startProxy(order.url);
  await client.connect(proxy.url);
  const first = await client.createSession(identity());
  const { subscriptionId } = await first.createSubscription({
    requestedPublishingInterval: 50, requestedLifetimeCount: 1000, requestedMaxKeepAliveCount: 10, publishingEnabled: true, priority: 0,
  });
  await first.createMonitoredItems({ subscriptionId, timestampsToReturn: TimestampsToReturn.Both, itemsToCreate: [valueItem(order.more.node, 1)] });
  const seen = new Map();
  const telemetry = ask('telemetry');
  for (let i = 0; i < 4; i += 1) {
    const message = await publishOnce(first, i === 1 ? [{ subscriptionId, sequenceNumber: 1 }] : []);
    if (message.notificationData?.length) seen.set(message.sequenceNumber, valuesOf(message));
  }
  proxy.isDeaf = true;
  publishOnce(first).catch(() => {});
  await until(() => proxy.lost > 0);
  proxy.cut();

  const other = await makeClient();
  await other.connect(order.url);
  const second = await other.createSession(identity());
  const transferred = await second.transferSubscriptions({ subscriptionIds: [subscriptionId, 4711], sendInitialValues: false });
  result.statuses = transferred.results.map((entry) => entry.statusCode.name);
  const available = transferred.results[0].availableSequenceNumbers;
  result.same = true;
  result.gained = 0;
  for (const sequenceNumber of available) {
    const { notificationMessage } = await send(second, new opcua.RepublishRequest({ subscriptionId, retransmitSequenceNumber: sequenceNumber }));
    const values = valuesOf(notificationMessage);
    if (seen.has(sequenceNumber)) result.same &&= seen.get(sequenceNumber).join() === values.join();
    else result.gained += 1;
    seen.set(sequenceNumber, values);
  }
  result.acknowledged = await statusOf(send(second, new opcua.RepublishRequest({ subscriptionId, retransmitSequenceNumber: 1 })));
  result.firstAvailable = available[0];

  let acknowledgements = available.map((sequenceNumber) => ({ subscriptionId, sequenceNumber }));
  const done = () => [...seen.values()].some((values) => values.includes(order.more.last));
  while (!done()) {
    const message = await publishOnce(second, acknowledgements);
    acknowledgements = [];
    if (!message.notificationData?.length) continue;
    seen.set(message.sequenceNumber, valuesOf(message));
    acknowledgements.push({ subscriptionId, sequenceNumber: message.sequenceNumber });
  }
  await telemetry;
  const numbers = [...seen.keys()].sort((a, b) => a - b);
  result.unbroken = numbers.every((number, i) => number === i + 1);
  result.values = numbers.flatMap((number) => seen.get(number));
  await second.close();
  await other.disconnect();
  proxy.close();
}
