// History: raw, at times, aggregated.
import * as opcua from 'node-opcua';
import { statusOf } from './wire.mjs';

const pointOf = (value) => [value.sourceTimestamp.getTime(), value.value?.value ?? null, value.statusCode.value];

function request(details, nodes, { release = false } = {}) {
  return new opcua.HistoryReadRequest({
    historyReadDetails: details,
    timestampsToReturn: opcua.TimestampsToReturn.Both,
    releaseContinuationPoints: release,
    nodesToRead: nodes.map((node) => ({ indexRange: undefined, dataEncoding: { namespaceIndex: 0, name: undefined }, ...node })),
  });
}

const raw = ({ start, end, count = 0, bounds = false }) => new opcua.ReadRawModifiedDetails({
  isReadModified: false,
  startTime: start && new Date(start),
  endTime: end && new Date(end),
  numValuesPerNode: count,
  returnBounds: bounds,
});

// Reads raw values page by page.
async function page(session, nodeId, range) {
  const pages = [];
  let continuationPoint;
  do {
    const response = await session.historyRead(request(raw(range), [{ nodeId, continuationPoint }]));
    const [found] = response.results;
    if (!found.statusCode.isGoodish()) throw new Error(found.statusCode.name);
    pages.push(found.historyData.dataValues.map(pointOf));
    continuationPoint = found.continuationPoint?.length ? found.continuationPoint : undefined;
  } while (continuationPoint);
  return pages;
}

export async function history(client, { order, result, identity }) {
  const session = await client.createSession(identity());
  const { node, start, end, times, aggregates, interval } = order.more;
  const simple = await session.readHistoryValue(node, new Date(start), new Date(end), { returnBounds: false });
  result.simple = simple.historyData.dataValues.map(pointOf);
  result.simpleStatus = simple.statusCode.name;
  result.pages = await page(session, node, { start, end, count: 7 });
  result.newestFirst = await page(session, node, { start: end, end: start, count: 10 });
  result.newest = (await session.historyRead(request(raw({ end, count: 3 }), [{ nodeId: node }]))).results[0].historyData.dataValues.map(pointOf);
  result.bounds = (await page(session, node, { start: start + 35000, end: start + 155000, bounds: true })).flat();

  const begun = await session.historyRead(request(raw({ start, end, count: 5 }), [{ nodeId: node }]));
  const { continuationPoint } = begun.results[0];
  const released = await session.historyRead(request(raw({ start, end, count: 5 }), [{ nodeId: node, continuationPoint }], { release: true }));
  result.released = released.results[0].statusCode.name;
  const again = await session.historyRead(request(raw({ start, end, count: 5 }), [{ nodeId: node, continuationPoint }]));
  result.usedAgain = again.results[0].statusCode.name;

  const at = await session.historyRead(
    request(new opcua.ReadAtTimeDetails({ reqTimes: times.map((time) => new Date(time)), useSimpleBounds: false }), [{ nodeId: node }]),
  );
  result.atTimes = at.results[0].historyData.dataValues.map(pointOf);

  result.aggregates = {};
  for (const name of aggregates) {
    const found = await session.readAggregateValue(
      { nodeId: node }, new Date(start), new Date(end), opcua.AggregateFunction[name], interval,
    );
    result.aggregates[name] = found.historyData.dataValues.map(pointOf);
  }
  const two = await session.readAggregateValue(
    [{ nodeId: node }, { nodeId: node }], new Date(start), new Date(end), [opcua.AggregateFunction.Minimum, opcua.AggregateFunction.Maximum], interval,
  );
  result.two = two.map((found) => found.historyData.dataValues.map((value) => value.value.value));
  result.nothing = (await session.readHistoryValue(`${node}-of-nobody`, new Date(start), new Date(end))).statusCode.name;
  result.modified = await statusOf(
    session
      .historyRead(request(new opcua.ReadRawModifiedDetails({ isReadModified: true, startTime: new Date(start), endTime: new Date(end) }), [{ nodeId: node }]))
      .then((response) => { if (response.results[0].statusCode.isNotGood()) throw new Error(response.results[0].statusCode.name); return response; }),
  );
  await session.close();
}
