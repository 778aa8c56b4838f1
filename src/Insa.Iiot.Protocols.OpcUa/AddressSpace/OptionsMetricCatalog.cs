using System.Collections.Frozen;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Knows the metrics that the host's options describe.</summary>
internal sealed class OptionsMetricCatalog : IMetricCatalog
{
    private const string UnitNamespace = "http://www.opcfoundation.org/UA/units/un/cefact";

    private readonly FrozenDictionary<(TenantId? Tenant, string Name), MetricDescription> _metrics;

    public OptionsMetricCatalog(IEnumerable<OpcUaMetric> metrics)
    {
        var described = new Dictionary<(TenantId?, string), MetricDescription>();
        foreach (var metric in metrics)
            described[(metric.Tenant, metric.Name)] = Describe(metric);
        _metrics = described.ToFrozenDictionary();
    }

    public MetricDescription? Find(TenantId tenant, string metric) =>
        _metrics.TryGetValue((tenant, metric), out var own) ? own : _metrics.GetValueOrDefault((null, metric));

    private static MetricDescription Describe(OpcUaMetric metric)
    {
        var range = metric is { Low: { } low, High: { } high } ? new UaRange { Low = low, High = high } : null;
        if (metric.UnitCode is null && metric.Unit is null)
            return new MetricDescription(null, range);
        var unit = new EUInformation
        {
            NamespaceUri = UnitNamespace,
            UnitId = UnitIdOf(metric.UnitCode),
            DisplayName = new LocalizedText(null, metric.Unit ?? metric.UnitCode),
            Description = new LocalizedText(null, metric.Unit ?? metric.UnitCode),
        };
        return new MetricDescription(unit, range);
    }

    // OPC 10000-8 §5.6.4.3: the characters of the common code, the first one highest; -1 for a unit without one.
    private static int UnitIdOf(string? code)
    {
        if (code is null)
            return -1;
        var id = 0;
        foreach (var character in code)
            id = (id << 8) | character;
        return id;
    }
}
