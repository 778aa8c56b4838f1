using System.Collections.Concurrent;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>The names of a tenant's metrics, and the shapes that its devices have. Thread-safe.</summary>
/// <param name="tenant">The tenant.</param>
/// <param name="catalog">Knows units and ranges.</param>
internal sealed class MetricNames(TenantId tenant, IMetricCatalog catalog)
{
    private const int MostShapes = 65_536;

    private readonly ConcurrentDictionary<string, MetricName> _names = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private int _shapes;
    private (MetricShape? From, IReadOnlyList<string> Names, MetricShape? To) _last = (null, [], null);

    /// <summary>The shape of a device that has said nothing yet.</summary>
    public MetricShape Root { get; } = MetricShape.MakeRoot();

    public MetricName Get(string name) => _names.GetOrAdd(name, text => new MetricName(text, catalog.Find(tenant, text)));

    /// <summary>The shape with those of the names that it lacks.</summary>
    /// <param name="shape">The shape so far.</param>
    /// <param name="names">Names, each once.</param>
    public MetricShape Extend(MetricShape shape, IReadOnlyList<string> names)
    {
        lock (_lock)
        {
            // One device after the other has the same metrics.
            if (_last.To is { } known && ReferenceEquals(_last.From, shape) && _last.Names.SequenceEqual(names, StringComparer.Ordinal))
                return known;
            var (extended, isShared) = (shape, true);
            foreach (var text in names)
            {
                var name = Get(text);
                if (shape.FindSlot(name.Utf8) >= 0)
                    continue;
                var isKnown = extended.IsKnown(name);
                if (!isKnown)
                    _shapes++;
                var mayShare = isKnown || _shapes <= MostShapes;
                extended = extended.With(name, mayShare);
                isShared &= mayShare;
            }

            if (isShared)
                _last = (shape, names, extended);
            return extended;
        }
    }
}
