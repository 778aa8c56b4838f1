using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>
/// Keeps the rates of one tenant over all hosts. Each host tells the others through the store what it has used and could use; from this each takes
/// its share of the rate, and what all of them together used too much, before they knew of each other, each waits for. For the background only.
/// </summary>
/// <remarks>
/// Where all are far from the limit each tells every ten seconds, else with every reading of the tenant. Over any longer time the hosts admit what one
/// host would; in the first seconds of a new load each may admit as much as one alone.
/// </remarks>
internal sealed class RateShares(TenantId tenant, QuotaContext context)
{
    private const int MaxHosts = 256;
    private static readonly long IdleInterval = GateClock.Of(TimeSpan.FromSeconds(10));
    private static readonly TimeSpan GoneAfter = TimeSpan.FromMinutes(10);

    private readonly Dictionary<string, SharedRate> _rates = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RateHost> _others = new(StringComparer.Ordinal);
    private ControlRecord? _own;
    private long? _syncedAt;

    /// <summary>Tells what was used and hears what others used, if it is time.</summary>
    public async ValueTask SyncAsync(TenantSnapshot snapshot, CancellationToken cancellationToken)
    {
        Follow(snapshot);
        if (_rates.Count == 0)
            return;
        var now = context.Clock.Now;
        var since = _syncedAt ?? now;
        var seconds = Math.Max((double)(now - since) / GateClock.PerSecond, 0.001);
        if (now - _syncedAt < IdleInterval && !_rates.Values.Any(rate => rate.IsBusy(seconds)))
            return;
        var uses = _rates.ToDictionary(rate => rate.Key, rate => rate.Value.Measure(seconds), StringComparer.Ordinal);
        await TellAsync(uses, cancellationToken).ConfigureAwait(false);
        await HearAsync(now, cancellationToken).ConfigureAwait(false);
        foreach (var (name, rate) in _rates)
        {
            var (used, demand, others) = (0L, 0.0, 0);
            foreach (var (_, host) in _others)
            {
                if (!host.IsLive(now))
                    continue;
                used += host.UsedWithin(name, now - since);
                demand += host.DemandOf(name);
                others++;
            }

            rate.Share(used, demand, others, since);
        }

        _syncedAt = now;
    }

    /// <summary>Lets the others have this host's share.</summary>
    public async ValueTask LeaveAsync(CancellationToken cancellationToken)
    {
        if (_own is { } own)
            await context.Store.CommitAsync([ControlChange.Delete(own)], cancellationToken).ConfigureAwait(false);
        _own = null;
    }

    private void Follow(TenantSnapshot snapshot)
    {
        foreach (var name in _rates.Keys.Where(name => snapshot.Gate(name) is null).ToList())
            _rates.Remove(name);
        foreach (var (name, gate) in snapshot.Gates)
        {
            if (gate.Counts is { } counts && (!_rates.TryGetValue(name, out var rate) || rate.Gate != gate))
                _rates[name] = new SharedRate(gate, counts);
        }
    }

    private async ValueTask TellAsync(Dictionary<string, RateUse> uses, CancellationToken cancellationToken)
    {
        var body = RecordJson.Write(new RateShareRecord(context.UtcNow, uses));
        var scope = ControlScope.Of(tenant);
        var change = _own is null
            ? ControlChange.Insert(scope, RecordKinds.RateShare, context.HostId, body)
            : ControlChange.Replace(_own, body);
        var result = await context.Store.CommitAsync([change], cancellationToken).ConfigureAwait(false);
        _own =
            result.Outcome == ControlOutcome.Done
                ? new ControlRecord(scope, RecordKinds.RateShare, context.HostId, (_own?.Version ?? 0) + 1, body)
                : await context.Store.FindAsync(scope, RecordKinds.RateShare, context.HostId, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask HearAsync(long now, CancellationToken cancellationToken)
    {
        var records = await context
            .Store.ListAsync(ControlScope.Of(tenant), RecordKinds.RateShare, after: null, MaxHosts, cancellationToken)
            .ConfigureAwait(false);
        foreach (var record in records.Where(record => record.Id != context.HostId))
        {
            var body = RecordJson.Read<RateShareRecord>(record);
            if (context.UtcNow - body.At > GoneAfter)
            {
                _others.Remove(record.Id);
                await context.Store.CommitAsync([ControlChange.Delete(record)], cancellationToken).ConfigureAwait(false);
                continue;
            }

            if (_others.TryGetValue(record.Id, out var host))
                host.Hear(record.Version, body.Rates, now);
            else
                _others[record.Id] = new RateHost(record.Version, body.Rates, now);
        }

        foreach (var id in _others.Keys.Except(records.Select(record => record.Id), StringComparer.Ordinal).ToList())
            _others.Remove(id);
    }
}
