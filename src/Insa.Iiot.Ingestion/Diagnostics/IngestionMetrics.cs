using System.Diagnostics.Metrics;
using Insa.Iiot.Ingestion.Pipeline;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Ingestion.Diagnostics;

/// <summary>The package's instruments. The ledger is read from the lanes when a listener asks, so that counting costs nothing per message.</summary>
internal sealed class IngestionMetrics
{
    public const string MeterName = "Insa.Iiot.Ingestion";

    private static readonly KeyValuePair<string, object?>[] ReasonTags =
    [
        .. Enum.GetValues<IngestReason>().Select(reason => new KeyValuePair<string, object?>("reason", ToSnakeCase(reason.ToString()))),
    ];

    private readonly Meter _meter;
    private readonly int _maxTenants;
    private readonly Histogram<long> _batchFrames;
    private readonly Histogram<double> _batchDuration;
    private readonly Counter<long> _writeFailures;
    private readonly Counter<long> _observerMissed;
    private readonly Counter<long> _observerFailures;

    public IngestionMetrics(IMeterFactory factory, IOptions<IngestionOptions> options)
    {
        _meter = factory.Create(MeterName);
        _maxTenants = options.Value.MaxTenantsInMetrics;
        _batchFrames = _meter.CreateHistogram<long>("insa.iiot.ingestion.batch.frames", "{frame}", "Frames per committed batch.");
        _batchDuration = _meter.CreateHistogram<double>("insa.iiot.ingestion.batch.duration", "s", "Time of one committed write.");
        _writeFailures = _meter.CreateCounter<long>("insa.iiot.ingestion.write.failures", "{write}", "Failed writes, by kind.");
        _observerMissed = _meter.CreateCounter<long>(
            "insa.iiot.ingestion.observer.missed",
            "{batch}",
            "Batches observers were too slow for."
        );
        _observerFailures = _meter.CreateCounter<long>(
            "insa.iiot.ingestion.observer.failures",
            "{batch}",
            "Batches an observer failed on."
        );
    }

    public void BatchWritten(int frames, TimeSpan duration)
    {
        _batchFrames.Record(frames);
        _batchDuration.Record(duration.TotalSeconds);
    }

    /// <param name="kind">From a fixed set: <c>transient</c>, <c>permanent</c>.</param>
    public void WriteFailed(string kind) => _writeFailures.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public void ObserverBatchMissed() => _observerMissed.Add(1);

    public void ObserverFailed() => _observerFailures.Add(1);

    /// <summary>Shows the ledgers of lanes: received = committed + rejected + dead-lettered + in flight.</summary>
    public void Observe(Func<IEnumerable<Lane>> lanes)
    {
        _meter.CreateObservableCounter("insa.iiot.ingestion.messages.received", () => Sum(lanes(), l => l.Received), "{message}");
        _meter.CreateObservableCounter("insa.iiot.ingestion.messages.committed", () => Sum(lanes(), l => l.Committed), "{message}");
        _meter.CreateObservableCounter("insa.iiot.ingestion.points.committed", () => Sum(lanes(), l => l.CommittedPoints), "{point}");
        _meter.CreateObservableCounter("insa.iiot.ingestion.messages.dead_lettered", () => Sum(lanes(), l => l.DeadLettered), "{message}");
        _meter.CreateObservableUpDownCounter("insa.iiot.ingestion.messages.in_flight", () => Sum(lanes(), l => l.InFlight), "{message}");
        _meter.CreateObservableCounter("insa.iiot.ingestion.messages.rejected", () => Rejected(lanes()), "{message}");
    }

    private IEnumerable<Measurement<long>> Sum(IEnumerable<Lane> lanes, Func<LaneLedger, long> read)
    {
        long others = 0;
        var named = 0;
        foreach (var lane in lanes)
        {
            long value;
            lock (lane.Sync)
                value = read(lane.Ledger);
            if (named++ < _maxTenants)
                yield return new Measurement<long>(value, TenantTag(lane.Tenant.Value));
            else
                others += value;
        }

        if (named > _maxTenants)
            yield return new Measurement<long>(others, TenantTag("_other"));
    }

    private IEnumerable<Measurement<long>> Rejected(IEnumerable<Lane> lanes)
    {
        var others = new long[LaneLedger.ReasonCount];
        var values = new long[LaneLedger.ReasonCount];
        var named = 0;
        foreach (var lane in lanes)
        {
            lock (lane.Sync)
            {
                for (var reason = 1; reason < values.Length; reason++)
                    values[reason] = lane.Ledger.RejectedFor((IngestReason)reason);
            }

            var isNamed = named++ < _maxTenants;
            for (var reason = 1; reason < values.Length; reason++)
            {
                if (!isNamed)
                    others[reason] += values[reason];
                else if (values[reason] > 0)
                    yield return new Measurement<long>(values[reason], TenantTag(lane.Tenant.Value), ReasonTags[reason]);
            }
        }

        for (var reason = 1; reason < others.Length; reason++)
        {
            if (others[reason] > 0)
                yield return new Measurement<long>(others[reason], TenantTag("_other"), ReasonTags[reason]);
        }
    }

    private static KeyValuePair<string, object?> TenantTag(string tenant) => new("tenant", tenant);

    private static string ToSnakeCase(string name) =>
        string.Concat(name.Select((c, i) => char.IsUpper(c) ? (i > 0 ? "_" : "") + char.ToLowerInvariant(c) : c.ToString()));
}
