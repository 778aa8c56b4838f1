using System.Collections.Frozen;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>What holds for a tenant, as last read: its state, its limits and a gate for each of its rates.</summary>
internal sealed class TenantSnapshot
{
    private readonly FrozenDictionary<string, RateGate> _gates;

    private TenantSnapshot(TenantState? state, Dictionary<string, long> limits, Dictionary<string, RateGate> gates, TenantSnapshot? before)
    {
        Exists = state is not (null or TenantState.Deleted);
        IsActive = state == TenantState.Active;
        Limits = limits;
        _gates = gates.ToFrozenDictionary(StringComparer.Ordinal);
        Messages = Gate(TenantRates.Messages);
        Points = Gate(TenantRates.Points);
        DeviceMessages = Devices(TenantRates.MessagesPerDevice, before?.DeviceMessages);
        DevicePoints = Devices(TenantRates.PointsPerDevice, before?.DevicePoints);
        GatewayMessages = Devices(TenantRates.MessagesPerGateway, before?.GatewayMessages);
        Protocols = gates
            .Where(gate => gate.Key.StartsWith(TenantRates.OverProtocol, StringComparison.Ordinal))
            .ToFrozenDictionary(gate => gate.Key[TenantRates.OverProtocol.Length..], gate => gate.Value, StringComparer.Ordinal);
    }

    public bool Exists { get; }

    public bool IsActive { get; }

    public IReadOnlyDictionary<string, long> Limits { get; }

    /// <summary>The tenant's own gates; those of single devices are not in use.</summary>
    public IReadOnlyDictionary<string, RateGate> Gates => _gates;

    public RateGate? Messages { get; }

    public RateGate? Points { get; }

    public DeviceGates? DeviceMessages { get; }

    public DeviceGates? DevicePoints { get; }

    public DeviceGates? GatewayMessages { get; }

    /// <summary>The gates of protocols, by the protocol's name.</summary>
    public FrozenDictionary<string, RateGate> Protocols { get; }

    /// <summary>Makes it from what is stored; a rate that has not changed keeps its gate.</summary>
    /// <param name="tenant">The tenant; <see langword="null"/> if there is none.</param>
    /// <param name="options">The plans.</param>
    /// <param name="before">What held until now.</param>
    public static TenantSnapshot Of(Tenant? tenant, TenancyOptions options, TenantSnapshot? before)
    {
        var limits = new Dictionary<string, long>(StringComparer.Ordinal);
        var rates = new Dictionary<string, string>(StringComparer.Ordinal);
        if (tenant is null)
            return new TenantSnapshot(state: null, limits, [], before: null);
        if (options.Plans.TryGetValue(tenant.Plan, out var plan))
        {
            foreach (var (name, limit) in plan.Limits)
                limits[name] = limit;
            foreach (var (name, rate) in plan.Rates)
                rates[name] = rate;
        }

        Override(limits, tenant.Limits.Select(limit => (limit.Key, limit.Value is { } value, limit.Value.GetValueOrDefault())));
        Override(rates, tenant.Rates.Select(rate => (rate.Key, rate.Value is not null, rate.Value ?? "")));
        var gates = rates.ToDictionary(
            rate => rate.Key,
            rate => GateOf(rate.Key, RateLimit.Parse(rate.Value), before),
            StringComparer.Ordinal
        );
        return new TenantSnapshot(tenant.State, limits, gates, before);
    }

    public long? LimitOf(string name) => Limits.TryGetValue(name, out var limit) ? limit : null;

    public RateGate? Gate(string name) => _gates.GetValueOrDefault(name);

    /// <summary>The name of one of the tenant's gates; only asked when it refuses.</summary>
    public string NameOf(RateGate gate)
    {
        foreach (var (name, other) in _gates)
        {
            if (ReferenceEquals(other, gate))
                return name;
        }

        return "";
    }

    public void Sweep(long now)
    {
        DeviceMessages?.Sweep(now);
        DevicePoints?.Sweep(now);
        GatewayMessages?.Sweep(now);
    }

    // Those of devices are of one connection, so of one host.
    private static bool IsShared(string name) =>
        name is TenantRates.Messages or TenantRates.Points || name.StartsWith(TenantRates.OverProtocol, StringComparison.Ordinal);

    private static RateGate GateOf(string name, RateLimit limit, TenantSnapshot? before) =>
        before?.Gate(name) is { } gate && gate.Limit.Equals(limit) ? gate : new RateGate(limit, IsShared(name) ? new GateCounts() : null);

    private static void Override<T>(Dictionary<string, T> values, IEnumerable<(string Name, bool IsLimited, T Value)> own)
    {
        foreach (var (name, isLimited, value) in own)
        {
            if (isLimited)
                values[name] = value;
            else
                values.Remove(name);
        }
    }

    private DeviceGates? Devices(string name, DeviceGates? before)
    {
        if (Gate(name)?.Limit is not { } limit)
            return null;
        return before is not null && before.Limit.Equals(limit) ? before : new DeviceGates(limit);
    }
}
