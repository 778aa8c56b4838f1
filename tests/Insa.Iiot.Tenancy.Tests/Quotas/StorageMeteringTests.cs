using System.Text;
using System.Text.Json;
using Insa.Iiot.Tenancy.Quotas;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Tests.Quotas;

public sealed class StorageMeteringTests : IAsyncLifetime
{
    private const string Counter = "storage-days@2026-11";
    private static readonly DateTime From = new(2026, 11, 1, 0, 0, 0, DateTimeKind.Utc);

    private QuotaWorld _world = null!;
    private QuotaWorld.QuotaHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        (_world, _host) = await QuotaWorld.MakeAsync();
        _world.Meter.Bytes = 1_000;
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_day_is_charged_once_whichever_hosts_are_at_it()
    {
        var hosts = new[] { _host, await _world.StartAsync(), await _world.StartAsync() };
        for (var day = 1; day <= 3; day++)
        {
            for (var hour = 0; hour < 3; hour++)
            {
                await Task.WhenAll(hosts.Select(host => Task.Run(host.MeterAsync)));
                _world.Time.Advance(TimeSpan.FromHours(1));
            }

            Assert.Equal(day, _world.Meter.Calls);
            Assert.Equal(day * 1_000, await _host.CounterAsync(Counter));
            _world.Time.Advance(TimeSpan.FromHours(21));
        }

        var hours = await ReadAsync();
        Assert.Equal([1_000L, 1_000L, 1_000L], hours.Select(hour => hour.StorageDays));
        Assert.Equal(From.AddDays(9).AddHours(8), hours[0].Hour);
    }

    [Fact]
    public async Task A_day_that_was_charged_already_stays_as_it_is()
    {
        await _host.MeterAsync();
        await _host.Store.CommitAsync([ControlChange.Delete((await FindRunAsync())!)]);
        _world.Meter.Bytes = 5_000;
        await (await _world.StartAsync()).MeterAsync();
        Assert.Equal(2, _world.Meter.Calls);
        Assert.Equal(1_000, await _host.CounterAsync(Counter));
        Assert.Equal(1_000, (await ReadAsync()).Sum(hour => hour.StorageDays));
    }

    [Fact]
    public async Task What_failed_is_done_by_the_next_who_comes()
    {
        _world.Meter.Fails = new TelemetryStoreException("The disk is gone.", isTransient: true);
        await Assert.ThrowsAsync<TelemetryStoreException>(_host.MeterAsync);
        _world.Meter.Fails = null;
        await (await _world.StartAsync()).MeterAsync();
        Assert.Equal(1_000, await _host.CounterAsync(Counter));
    }

    [Fact]
    public async Task Who_was_killed_at_it_is_waited_for_and_then_replaced()
    {
        var now = _world.Time.GetUtcNow().UtcDateTime;
        Assert.NotNull(await StorageRun.TryTakeAsync(_host.Store, now, "killed", CancellationToken.None));
        await _host.MeterAsync();
        Assert.Equal(0, _world.Meter.Calls);
        _world.Time.Advance(StorageRun.Lifetime);
        await _host.MeterAsync();
        Assert.Equal(1_000, await _host.CounterAsync(Counter));
    }

    [Fact]
    public async Task It_is_told_with_the_usage_and_when_it_was_measured()
    {
        Assert.Null(await _host.Usage.ReadStorageAsync(QuotaWorld.Plant));
        var measuredAt = _world.Time.GetUtcNow().UtcDateTime;
        await _host.MeterAsync();
        Assert.Equal(new StoredBytes(1_000, measuredAt), await _host.Usage.ReadStorageAsync(QuotaWorld.Plant));
        _world.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(new StoredBytes(1_000, measuredAt), await _host.Usage.ReadStorageAsync(QuotaWorld.Plant));
        var usage = (await _host.Usage.ReadAsync(QuotaWorld.Plant)).Single(limit => limit.Name == TenantAmounts.StorageDays);
        Assert.Equal((LimitKind.Amount, 1_000L, null, "2026-11"), (usage.Kind, usage.Used, usage.Limit, usage.Period));
        _world.Time.Advance(TimeSpan.FromDays(1));
        Assert.Null(await _host.Usage.ReadStorageAsync(QuotaWorld.Plant));
    }

    [Fact]
    public async Task It_is_in_the_export_for_billing()
    {
        await _host.MeterAsync();
        _world.Time.Advance(TimeSpan.FromHours(2));
        var json = JsonDocument.Parse(await ExportAsync(UsageFormat.CloudEvents)).RootElement;
        Assert.Equal(1_000, json.GetProperty("data").GetProperty("storage_days").GetInt64());
        Assert.EndsWith("storage_days\nplant,2026-11-10T08:00:00Z,0,0,0,0,0,0,1000\n", await ExportAsync(UsageFormat.Csv));
    }

    [Fact]
    public async Task A_tenant_that_stores_nothing_is_charged_nothing()
    {
        _world.Meter.Bytes = 0;
        await _host.MeterAsync();
        Assert.Equal(0, (await _host.Usage.ReadStorageAsync(QuotaWorld.Plant))!.Bytes);
        Assert.Empty(await ReadAsync());
    }

    [Theory]
    [InlineData(TenantState.Suspended, 1_000)]
    [InlineData(TenantState.Offboarding, 1_000)]
    [InlineData(TenantState.Deleted, 0)]
    public async Task Who_does_not_work_is_charged_as_long_as_the_data_is_kept(TenantState state, long charged)
    {
        var record = (await _host.Store.FindAsync(ControlScope.Platform, RecordKinds.Tenant, "plant"))!;
        var body = RecordJson.Write(RecordJson.Read<TenantRecord>(record) with { State = state });
        await _host.Store.CommitAsync([ControlChange.Replace(record, body)]);
        await _host.MeterAsync();
        Assert.Equal(charged, await _host.CounterAsync(Counter));
    }

    [Fact]
    public async Task Past_the_limit_it_is_charged_and_messages_are_refused_until_the_months_end()
    {
        await LimitAsync(1_500);
        await _host.MeetAsync();
        await _host.MeterAsync();
        _world.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(IngestReason.None, (await AdmitAsync(IngestReason.None)).Reason);
        await _host.MeterAsync();
        Assert.Equal(2_000, await _host.CounterAsync(Counter));
        _world.Time.Advance(TimeSpan.FromMinutes(2));
        var refused = await AdmitAsync(IngestReason.QuotaExceeded);
        Assert.Equal(From.AddMonths(1) - _world.Time.GetUtcNow().UtcDateTime, refused.RetryAfter);

        var usage = (await _host.Usage.ReadAsync(QuotaWorld.Plant)).Single(limit => limit.Name == TenantAmounts.StorageDays);
        Assert.Equal((2_000L, 1_500L, 0L), (usage.Used, usage.Limit, usage.Remaining));
        Assert.True(usage.RefusedInHour > 0);

        _world.Time.Advance(From.AddMonths(1) - _world.Time.GetUtcNow().UtcDateTime);
        await AdmitAsync(IngestReason.None);
    }

    [Fact]
    public async Task A_limit_that_is_taken_away_lets_messages_in_again()
    {
        await LimitAsync(500);
        await _host.MeterAsync();
        await AdmitAsync(IngestReason.QuotaExceeded);
        await LimitAsync(null);
        await AdmitAsync(IngestReason.None);
    }

    [Fact]
    public async Task Who_is_past_the_limit_gets_no_credit_after_a_rest()
    {
        await LimitAsync(500);
        await _host.MeterAsync();
        await AdmitAsync(IngestReason.QuotaExceeded);

        // The background's work is done by the test from here on.
        await _host.StopAsync();
        _world.Time.Advance(TimeSpan.FromMinutes(2));
        _host.Quota.RequestMaintenance();
        await _host.Quota.WorkAsync(CancellationToken.None);
        Assert.Equal(IngestReason.QuotaExceeded, _host.Admit().Reason);
    }

    // Until the host has read the tenant again, which the message asks for.
    private async Task<AdmissionDecision> AdmitAsync(IngestReason reason)
    {
        var decision = default(AdmissionDecision);
        await QuotaWorld.UntilAsync(() => (decision = _host.Admit()).Reason == reason && _host.Quota.Snapshot is not null);
        return decision;
    }

    private async Task LimitAsync(long? limit) =>
        await _host.Tenants.UpdateAsync(
            QuotaWorld.Plant,
            (await _host.Tenants.FindAsync(QuotaWorld.Plant))!.Version,
            new TenantSettings
            {
                DisplayName = "Plant 7",
                Limits = new Dictionary<string, long?> { [TenantAmounts.StorageDays] = limit },
            }
        );

    private ValueTask<ControlRecord?> FindRunAsync() => _host.Store.FindAsync(ControlScope.Platform, RecordKinds.StorageRun, "storage");

    private async Task<List<UsageHour>> ReadAsync()
    {
        var hours = new List<UsageHour>();
        await foreach (var hour in _host.Ledger.ReadAsync(QuotaWorld.Plant, From, From.AddMonths(1)))
            hours.Add(hour);
        return hours;
    }

    private async Task<string> ExportAsync(UsageFormat format)
    {
        using var stream = new MemoryStream();
        await _host.Ledger.ExportAsync(QuotaWorld.Plant, From, From.AddMonths(1), format, stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
