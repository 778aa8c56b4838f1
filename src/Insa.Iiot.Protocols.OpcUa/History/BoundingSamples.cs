using System.Runtime.InteropServices;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>The samples before a time that bound what comes behind it: of a stretch that is read, what is kept.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct BoundingSamples(bool uncertainIsBad)
{
    private HistorySample? _beforeLastGood;
    private HistorySample? _lastGood;
    private HistorySample? _firstBad;

    /// <summary>The last sample of any quality.</summary>
    public HistorySample? Last { get; private set; }

    /// <summary>How many samples that are not bad are known: at most two.</summary>
    public readonly int GoodCount =>
        _beforeLastGood is not null ? 2
        : _lastGood is not null ? 1
        : 0;

    public void Add(in HistorySample sample)
    {
        Last = sample;
        if (sample.Status.IsBad || (uncertainIsBad && sample.Status.IsUncertain))
        {
            _firstBad ??= sample;
            return;
        }

        (_beforeLastGood, _lastGood, _firstBad) = (_lastGood, sample, null);
    }

    /// <summary>Puts the samples of the stretch before this one in front.</summary>
    public void Prepend(in BoundingSamples earlier)
    {
        Last ??= earlier.Last;
        if (_lastGood is null)
            (_beforeLastGood, _lastGood, _firstBad) = (earlier._beforeLastGood, earlier._lastGood, earlier._firstBad ?? _firstBad);
        else
            _beforeLastGood ??= earlier._lastGood;
    }

    /// <summary>The last two samples that are not bad, and the first bad one behind them: what interpolation needs to know.</summary>
    public readonly IEnumerable<HistorySample> Good()
    {
        if (_beforeLastGood is { } first)
            yield return first;
        if (_lastGood is { } second)
            yield return second;
        if (_firstBad is { } bad)
            yield return bad;
    }
}
