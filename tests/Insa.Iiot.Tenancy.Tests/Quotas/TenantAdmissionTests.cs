using System.Diagnostics;

namespace Insa.Iiot.Tenancy.Tests.Quotas;

public sealed class TenantAdmissionTests
{
    [Fact]
    public async Task A_tenant_without_limits_is_never_refused()
    {
        var (world, host) = await QuotaWorld.MakeAsync();
        await using var _ = world;
        await host.MeetAsync();
        for (var i = 0; i < 10_000; i++)
            Assert.Equal(AdmissionDecision.Admitted, host.Admit(bytes: 100_000));
    }

    [Fact]
    public async Task A_suspended_tenant_is_refused_after_the_snapshots_lifetime_and_comes_back()
    {
        var (world, host) = await QuotaWorld.MakeAsync();
        await using var _ = world;
        var other = await world.StartAsync();
        await host.MeetAsync();
        await other.Tenants.SuspendAsync(QuotaWorld.Plant, 1);
        Assert.Equal(IngestReason.None, host.Admit().Reason);
        world.Time.Advance(TimeSpan.FromSeconds(1));
        await QuotaWorld.UntilAsync(() => host.Admit().Reason == IngestReason.TenantInactive);
        await other.Tenants.ResumeAsync(QuotaWorld.Plant, 2);
        world.Time.Advance(TimeSpan.FromSeconds(1));
        await QuotaWorld.UntilAsync(() => host.Admit().Reason == IngestReason.None);
    }

    [Fact]
    public async Task What_the_host_itself_changes_holds_without_a_message_that_asks_for_it()
    {
        var (world, host) = await QuotaWorld.MakeAsync();
        await using var _ = world;
        await host.MeetAsync();
        await host.Tenants.SuspendAsync(QuotaWorld.Plant, 1);
        await QuotaWorld.UntilAsync(() => host.Quota.Snapshot is { IsActive: false });
        Assert.Equal(IngestReason.TenantInactive, host.Admit().Reason);
        await host.Tenants.ResumeAsync(QuotaWorld.Plant, 2);
        await QuotaWorld.UntilAsync(() => host.Quota.Snapshot is { IsActive: true });
        Assert.Equal(IngestReason.None, host.Admit().Reason);
    }

    [Fact]
    public async Task A_tenant_that_nobody_made_gets_its_credit_at_most()
    {
        var (world, host) = await QuotaWorld.MakeAsync();
        await using var _ = world;
        var session = new DeviceSession(TenantId.Parse("nobody"), DeviceId.Parse("pump"));
        var admitted = 0;
        await QuotaWorld.UntilAsync(() =>
        {
            var reason = host.Admit(session).Reason;
            admitted += reason == IngestReason.None ? 1 : 0;
            return reason == IngestReason.TenantInactive;
        });
        Assert.InRange(admitted, 0, Tenancy.Quotas.TenantQuota.CreditMessages);
        Assert.Empty(await host.Store.ReadCountersAsync(session.Tenant));
    }

    [Fact]
    public async Task A_rate_holds_within_two_hundredths_over_a_minute()
    {
        var world = new QuotaWorld();
        await using var _ = world;
        var host = await world.StartAsync(options => options.SnapshotLifetime = TimeSpan.FromMinutes(1));
        await host.Tenants.CreateAsync(QuotaWorld.Plant, QuotaWorld.Rated((TenantRates.Messages, "100:1,3000:60")));
        await host.MeetAsync();
        world.Time.Advance(TimeSpan.FromSeconds(60));
        await QuotaWorld.UntilAsync(() => host.Admit().Reason == IngestReason.None);
        world.Time.Advance(TimeSpan.FromSeconds(50));
        var admitted = 0;
        for (var i = 0; i < 60_000; i++)
        {
            admitted += host.Admit().Reason == IngestReason.None ? 1 : 0;
            world.Time.Advance(TimeSpan.FromMilliseconds(1));
        }

        // From rest: the burst of the longer window, and what comes back in a minute.
        Assert.InRange(admitted, 5_880, 6_000);
    }

    [Fact]
    public async Task Each_device_and_gateway_has_a_rate_of_its_own()
    {
        var (world, host) = await QuotaWorld.MakeAsync(
            QuotaWorld.Rated((TenantRates.MessagesPerDevice, "2:60"), (TenantRates.MessagesPerGateway, "5:60"))
        );
        await using var _ = world;
        await host.MeetAsync();
        var fan = new DeviceSession(QuotaWorld.Plant, DeviceId.Parse("fan"));
        var gate = new DeviceSession(QuotaWorld.Plant, DeviceId.Parse("gate"), [DeviceId.Parse("fan")]);
        Assert.Equal((2, 2, 5), (Count(host, QuotaWorld.Pump), Count(host, fan), Count(host, gate)));
        var refused = host.Admit(fan);
        Assert.Equal(IngestReason.RateLimited, refused.Reason);
        world.Time.Advance(refused.RetryAfter);
        Assert.Equal(1, Count(host, fan));
    }

    [Fact]
    public async Task A_protocol_has_a_rate_of_its_own_and_what_it_refuses_costs_nothing_else()
    {
        var (world, host) = await QuotaWorld.MakeAsync(
            QuotaWorld.Rated((TenantRates.MessagesOver("mqtt"), "3:60"), (TenantRates.Messages, "10:60"))
        );
        await using var _ = world;
        await host.MeetAsync();
        Assert.Equal(3, Count(host, QuotaWorld.Pump.Over("mqtt")));
        Assert.Equal(7, Count(host, QuotaWorld.Pump));
    }

    [Fact]
    public async Task Points_above_the_rate_are_waited_for_by_the_next_message()
    {
        var (world, host) = await QuotaWorld.MakeAsync(
            QuotaWorld.Rated((TenantRates.Points, "10:1"), (TenantRates.PointsPerDevice, "5:1"))
        );
        await using var _ = world;
        await host.MeetAsync();
        await host.CommitAsync(8, DeviceId.Parse("fan"));
        Assert.Equal(IngestReason.None, host.Admit().Reason);
        var fan = host.Admit(new DeviceSession(QuotaWorld.Plant, DeviceId.Parse("fan")));
        Assert.Equal(new AdmissionDecision(IngestReason.RateLimited, TimeSpan.FromSeconds(0.8)), fan);
        await host.CommitAsync(12);
        Assert.Equal(new AdmissionDecision(IngestReason.RateLimited, TimeSpan.FromSeconds(1.1)), host.Admit());
        world.Time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.Equal(IngestReason.None, host.Admit().Reason);
    }

    [Fact]
    public async Task A_rate_of_the_tenants_own_takes_the_place_of_its_plans()
    {
        var world = new QuotaWorld();
        await using var _ = world;
        var host = await world.StartAsync(options => options.Plans["starter"].Rates[TenantRates.Messages] = "5:60");
        await host.Tenants.CreateAsync(QuotaWorld.Plant, new TenantSettings { DisplayName = "Plant 7" });
        await host.MeetAsync();
        Assert.Equal(5, Count(host, QuotaWorld.Pump));
        await host.Tenants.UpdateAsync(QuotaWorld.Plant, 1, QuotaWorld.Rated((TenantRates.Messages, null)));
        world.Time.Advance(TimeSpan.FromSeconds(1));
        await QuotaWorld.UntilAsync(() => host.Admit().Reason == IngestReason.None);
        Assert.Equal(100, Count(host, QuotaWorld.Pump));
    }

    [Fact]
    public async Task What_is_no_rate_is_refused_when_it_is_set()
    {
        var (world, host) = await QuotaWorld.MakeAsync();
        await using var _ = world;
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await host.Tenants.UpdateAsync(QuotaWorld.Plant, 1, QuotaWorld.Rated((TenantRates.Messages, "fast")))
        );
        var options = new TenancyOptions();
        options.Plans["starter"].Rates["messages"] = "fast";
        options.SnapshotLifetime = TimeSpan.FromHours(1);
        Assert.Equal(2, new TenancyOptionsValidator().Validate(null, options).Failures!.Count());
    }

    [Fact]
    public async Task Admission_allocates_nothing()
    {
        var (world, host) = await QuotaWorld.MakeAsync(
            new TenantSettings
            {
                DisplayName = "Plant 7",
                Rates = new Dictionary<string, string?> { ["messages"] = "1000:1,20000:60", ["messages-per-device"] = "1000:1" },
                Limits = new Dictionary<string, long?> { ["bytes-per-month"] = 1_000_000_000 },
            }
        );
        await using var _ = world;
        await host.MeetAsync();

        // The first refusal for a limit makes its log.
        for (var i = 0; i < 1_001; i++)
            host.Admit();
        world.Time.Advance(TimeSpan.FromSeconds(0.5));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 2_000; i++)
            host.Admit();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static int Count(QuotaWorld.QuotaHost host, DeviceSession session)
    {
        var watch = Stopwatch.StartNew();
        var admitted = 0;
        while (admitted < 100 && host.Admit(session).Reason == IngestReason.None)
            admitted++;
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10));
        return admitted;
    }
}
