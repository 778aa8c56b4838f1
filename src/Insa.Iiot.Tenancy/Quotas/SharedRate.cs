using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>One rate of a tenant over all hosts, as this host sees it. For the background only.</summary>
internal sealed class SharedRate(RateGate gate, GateCounts counts)
{
    // What a host of small demand may always use, so that a greater one is seen.
    private const double LeastShare = 0.01;

    private readonly RateGate _all = new(gate.Limit);
    private readonly double _perSecond = gate.Limit.Windows.Min(window => (double)window.Units / window.Seconds);
    private RateUsage _before = counts.Usage;
    private long _counted = counts.Usage.Used;
    private double? _demand;
    private double _others;
    private double _share = 1;

    public RateGate Gate => gate;

    /// <summary>Whether the hosts come near the rate, as far as this one knows, so that it matters what each does.</summary>
    public bool IsBusy(double seconds)
    {
        var own = counts.Usage.DemandSince(_before) / seconds;
        return own >= _perSecond / 4 || own + _others >= _perSecond / 2;
    }

    /// <summary>What the other hosts are to know.</summary>
    public RateUse Measure(double seconds)
    {
        var usage = counts.Usage;
        var demand = usage.DemandSince(_before) / seconds;
        _demand = _demand is { } former ? (former + demand) / 2 : demand;
        _before = usage;
        return new RateUse(usage.Used, _demand.Value);
    }

    /// <summary>Takes in what all hosts have used since, and sets this host's share by what each could use.</summary>
    /// <param name="used">What the other hosts have used.</param>
    /// <param name="demand">Units a second that they could use.</param>
    /// <param name="others">How many they are.</param>
    /// <param name="since">Since when.</param>
    public void Share(long used, double demand, int others, long since)
    {
        // A gate of the whole rate knows better when its own units came.
        if (_share < 1)
            used += _before.Used - _counted;
        else
            _all.AlignTo(gate);
        _all.ChargeSince(used, since);
        _counted = _before.Used;
        _others = demand;
        var own = _demand ?? 0;
        var left = Math.Max(_perSecond - own - demand, 0);
        var share = (own + (left / (others + 1))) / Math.Max(_perSecond, own + demand);
        _share = others == 0 ? 1 : Math.Clamp(share, LeastShare, 1);
        gate.SetShare(_share);

        // Below the rate nothing has to be paid back: what looks so is only that others tell at other times.
        if (others > 0 && own + demand >= _perSecond)
            gate.AlignTo(_all);
    }
}
