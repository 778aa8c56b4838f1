using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Rollups;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class RetentionTests(PostgresCluster cluster) : IAsyncLifetime
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly TenantId Other = TenantId.Parse("other");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;

    private PostgresStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await PostgresStore.MakeAsync(cluster);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Without_a_policy_everything_is_kept()
    {
        await WriteDaysAsync(Plant, "n", 40, 10);
        await SettleAsync();
        Assert.Empty((await Retention.RunAsync()).Actions);
        Assert.Equal(2, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task Points_go_after_their_time_and_their_rollups_stay()
    {
        await WriteDaysAsync(Plant, "n", 40, 10);
        await WriteDaysAsync(Other, "n", 40);
        await Retention.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        var hours = await _store.QueryAsync("select count(*) from iiot_data.rollup_hour");

        var report = await Retention.RunAsync();
        Assert.Equal(
            (Plant, RetentionActionKind.DeleteRows, 1L),
            Assert.Single(report.Actions.Select(one => (one.Tenant, one.Kind, one.Rows)))
        );
        Assert.Equal(1, await CountAsync(Plant, "n"));
        Assert.Equal(1, await CountAsync(Other, "n"));
        Assert.Equal(hours, await _store.QueryAsync("select count(*) from iiot_data.rollup_hour"));
        Assert.Empty((await Retention.RunAsync()).Actions);
    }

    [Fact]
    public async Task The_policy_that_says_most_of_a_metrics_name_counts()
    {
        foreach (var metric in (string[])["vibration.x", "vibration.y", "temp"])
            await WriteDaysAsync(Plant, metric, 20);
        await Retention.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await Retention.SetPolicyAsync(Plant, new RetentionPolicy("vibration.*", RetentionTier.Raw, TimeSpan.FromDays(7)));
        await Retention.SetPolicyAsync(Plant, new RetentionPolicy("vibration.y", RetentionTier.Raw, TimeSpan.FromDays(300)));
        await SettleAsync();
        await Retention.RunAsync();
        Assert.Equal(
            (0, 1, 1),
            (await CountAsync(Plant, "vibration.x"), await CountAsync(Plant, "vibration.y"), await CountAsync(Plant, "temp"))
        );
    }

    [Fact]
    public async Task What_is_held_stays_until_the_hold_is_released()
    {
        await WriteDaysAsync(Plant, "n", 40, 39);
        await Retention.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await Retention.HoldAsync(Plant, new LegalHold("case", "pr*", "?", Today.AddDays(-41), Today.AddDays(-39), "a case"));
        await SettleAsync();
        await Retention.RunAsync();
        Assert.Equal(1, await CountAsync(Plant, "n"));
        Assert.Equal("a case", Assert.Single(await Retention.ListHoldsAsync(Plant)).Reason);

        Assert.True(await Retention.ReleaseAsync(Plant, "case"));
        await Retention.RunAsync();
        Assert.Equal(0, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task A_dry_run_says_what_it_would_do_and_does_nothing()
    {
        await WriteDaysAsync(Plant, "n", 40, 10);
        await Retention.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        var would = await Retention.RunAsync(dryRun: true);
        Assert.True(would.IsDryRun);
        Assert.Equal(2, await CountAsync(Plant, "n"));
        var did = await Retention.RunAsync();
        Assert.Equal(
            would.Actions.Select(one => (one.Tenant, one.Kind, one.Rows)),
            did.Actions.Select(one => (one.Tenant, one.Kind, one.Rows))
        );
    }

    [Fact]
    public async Task Points_whose_rollup_says_something_else_stay_and_are_reported()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await Retention.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        await _store.QueryAsync("update iiot_data.rollup_hour set max = max + 1");
        var kept = Assert.Single((await Retention.RunAsync()).Actions);
        Assert.Equal((RetentionActionKind.Keep, 1L), (kept.Kind, kept.Rows));
        Assert.NotEmpty(kept.Reason);
        Assert.Equal(1, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task A_partition_that_nobody_keeps_is_dropped_as_a_whole()
    {
        await WriteDaysAsync(Plant, "n", 100, 10);
        foreach (var tier in Enum.GetValues<RetentionTier>())
            await Retention.SetPolicyAsync(Plant, new RetentionPolicy("*", tier, TimeSpan.FromDays(30)));
        await SettleAsync();
        var report = await Retention.RunAsync();
        Assert.Contains(report.Actions, one => one is { Tier: RetentionTier.Raw, Kind: RetentionActionKind.DropPartition, Tenant: null });
        Assert.Contains(report.Actions, one => one is { Tier: RetentionTier.Hour, Kind: RetentionActionKind.DropPartition });
        Assert.Equal(1, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task Frames_that_nobody_keeps_go_with_their_partition_once_the_rollups_are_proven()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await Retention.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await Rollups.RunAsync(int.MaxValue, CancellationToken.None);
        await _store.QueryAsync("update iiot_data.rollup_hour set n = n + 1");
        Assert.Contains((await Retention.RunAsync()).Actions, one => one.Kind == RetentionActionKind.Keep);
        Assert.Equal(1, await CountAsync(Plant, "n"));

        await _store.QueryAsync("update iiot_data.rollup_hour set n = n - 1");
        Assert.Contains((await Retention.RunAsync()).Actions, one => one.Kind == RetentionActionKind.DropPartition);
        Assert.Equal(0, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task A_late_point_does_not_replace_the_rollup_of_points_that_have_gone()
    {
        await WriteDaysAsync(Plant, "n", 40);
        await Retention.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await SettleAsync();
        await Retention.RunAsync();
        await WriteAsync(Plant, "n", Today.AddDays(-40).AddHours(3).AddMinutes(1), 1000);
        await SettleAsync();
        Assert.Equal(40.0, await _store.QueryAsync("select max(max) from iiot_data.rollup_hour"));
        Assert.Equal(40.0, await _store.QueryAsync("select max(max) from iiot_data.rollup_day"));
        await Retention.RunAsync();
        Assert.Equal(0, await CountAsync(Plant, "n"));
    }

    [Fact]
    public async Task Policies_read_back_and_can_be_removed()
    {
        var policy = new RetentionPolicy("a'b*", RetentionTier.Hour, TimeSpan.FromHours(36));
        await Retention.SetPolicyAsync(Plant, policy);
        Assert.Equal([policy], await Retention.ListPoliciesAsync(Plant));
        Assert.Empty(await Retention.ListPoliciesAsync(Other));
        Assert.False(await Retention.RemovePolicyAsync(Other, policy.Metric, policy.Tier));
        Assert.True(await Retention.RemovePolicyAsync(Plant, policy.Metric, policy.Tier));
        Assert.Empty(await Retention.ListPoliciesAsync(Plant));
    }

    private PostgresRetention Retention => _store.Services.GetRequiredService<PostgresRetention>();

    private RollupJob Rollups => _store.Services.GetRequiredService<RollupJob>();

    // Rolled up and compacted, as the background jobs do it.
    private async Task SettleAsync()
    {
        await Rollups.RunAsync(int.MaxValue, CancellationToken.None);
        await _store.Services.GetRequiredService<Compactor>().CompactAsync(CancellationToken.None);
    }

    private async Task WriteDaysAsync(TenantId tenant, string metric, params int[] daysAgo)
    {
        foreach (var days in daysAgo)
            await WriteAsync(tenant, metric, Today.AddDays(-days).AddHours(3), days);
    }

    private async Task WriteAsync(TenantId tenant, string metric, DateTime timestamp, double value)
    {
        using var writer = new BatchWriter();
        writer.Add(tenant, Press, timestamp, frame => frame.AddDouble(System.Text.Encoding.UTF8.GetBytes(metric), value));
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    private async Task<int> CountAsync(TenantId tenant, string metric)
    {
        var count = 0;
        await foreach (var _ in _store.Reader.ReadAsync(tenant, new TelemetryQuery { Device = Press, Metrics = [metric] }))
            count++;
        return count;
    }
}
