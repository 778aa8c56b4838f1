// What the scripts share: services without the client's own machinery, and a proxy that can cut.
import * as opcua from 'node-opcua';
import net from 'node:net';

// Sends a request as it is; a fault is an error with the status in its text.
export function send(session, request) {
  return new Promise((resolve, reject) => {
    session.performMessageTransaction(request, (error, response) => (error ? reject(error) : resolve(response)));
  });
}

// The name of the status with which something is refused, or Good.
export async function statusOf(promise) {
  try {
    const response = await promise;
    return response.responseHeader?.serviceResult.name ?? 'Good';
  } catch (error) {
    return /Bad\w+/.exec(error.message)?.[0] ?? error.message;
  }
}

export function write(session, nodeId, value) {
  return session.write({ nodeId, attributeId: opcua.AttributeIds.Value, value: { value: { dataType: opcua.DataType.Double, value } } });
}

export function valueItem(nodeId, clientHandle, queueSize = 1000, monitoringMode = opcua.MonitoringMode.Reporting) {
  return {
    itemToMonitor: { nodeId, attributeId: opcua.AttributeIds.Value },
    monitoringMode,
    requestedParameters: { clientHandle, samplingInterval: 0, queueSize, discardOldest: true },
  };
}

// A proxy before the server: it can be deaf, so that what the server sends is lost, and cut, so that both sides' connections are reset.
export async function startProxy(url) {
  const target = new URL(url.replace('opc.tcp:', 'http:'));
  const pairs = new Set();
  const proxy = { lost: 0, isDeaf: false };
  const server = net.createServer((client) => {
    const upstream = net.connect(Number(target.port), target.hostname);
    const pair = [client, upstream];
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      pair.forEach((socket) => socket.destroy());
    };
    pair.forEach((socket) => socket.on('error', end).on('close', end));
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => {
      if (proxy.isDeaf) proxy.lost += bytes.length;
      else client.write(bytes);
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  proxy.url = `opc.tcp://localhost:${server.address().port}`;
  proxy.cut = () => {
    proxy.isDeaf = false;
    for (const pair of [...pairs]) pair.forEach((socket) => socket.resetAndDestroy());
  };
  proxy.close = () => {
    proxy.cut();
    server.close();
  };
  return proxy;
}

export async function until(condition, milliseconds = 30000) {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`it did not come true: ${condition}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}
