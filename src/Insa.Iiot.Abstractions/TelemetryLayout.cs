namespace Insa.Iiot;

/// <summary>An ordered set of metric names: the shape of a frame.</summary>
/// <remarks>
/// Devices repeat the same few layouts for ever, so within one tenant a layout is interned: compare by reference, and cache by reference
/// what a store derives from it. Immutable and thread-safe.
/// </remarks>
public sealed class TelemetryLayout
{
    private readonly string[] _metrics;

    /// <summary>Makes a layout. Ingestion interns its own; this is for tests and stores.</summary>
    /// <exception cref="ArgumentException">A name is empty or stands twice.</exception>
    public TelemetryLayout(params ReadOnlySpan<string> metrics)
    {
        _metrics = metrics.ToArray();
        for (var i = 0; i < _metrics.Length; i++)
        {
            ArgumentException.ThrowIfNullOrEmpty(_metrics[i], nameof(metrics));
            if (Array.IndexOf(_metrics, _metrics[i]) != i)
                throw new ArgumentException($"The metric '{_metrics[i]}' stands twice.", nameof(metrics));
        }
    }

    /// <summary>The metric names, in the order of a frame's values.</summary>
    public IReadOnlyList<string> Metrics => _metrics;

    /// <summary>How many metrics there are.</summary>
    public int Count => _metrics.Length;
}
