using System.Collections.Concurrent;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>A gate for each device of a tenant, made on its first message and forgotten once it is as good as new.</summary>
internal sealed class DeviceGates(RateLimit limit)
{
    private static readonly long Margin = GateClock.Of(TimeSpan.FromSeconds(10));

    private readonly ConcurrentDictionary<DeviceId, RateGate> _gates = new();

    public RateLimit Limit => limit;

    public RateGate Of(DeviceId device) =>
        _gates.TryGetValue(device, out var gate) ? gate : _gates.GetOrAdd(device, static (_, limit) => new RateGate(limit), limit);

    public void Sweep(long now)
    {
        foreach (var (device, gate) in _gates)
        {
            if (gate.IsAtRest(now - Margin))
                _gates.TryRemove(device, out _);
        }
    }
}
