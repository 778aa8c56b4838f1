namespace Insa.Iiot.Tenancy.Tests.Quotas;

public sealed class AmountTests
{
    private const string PointsCounter = "points-per-month@2026-11";
    private const string BytesCounter = "bytes-per-month@2026-11";

    [Fact]
    public async Task Two_hosts_spend_all_of_a_months_points_and_no_more_than_what_was_in_flight()
    {
        const int perMessage = 7;
        var (world, one) = await QuotaWorld.MakeAsync(QuotaWorld.Limited(TenantAmounts.PointsPerMonth, 1_000));
        await using var _ = world;
        var other = await world.StartAsync();
        var spent = await Task.WhenAll(SpendAsync(one), SpendAsync(other));

        // One message is in flight on each host: it may be larger than what is left.
        Assert.InRange(spent.Sum(), 1_000, 1_000 + (2 * (perMessage - 1)));
        Assert.Equal(1_000, await one.CounterAsync(PointsCounter));
        var refused = one.Admit();
        Assert.Equal(IngestReason.QuotaExceeded, refused.Reason);
        Assert.Equal(world.Time.GetUtcNow() + refused.RetryAfter, new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero));

        static async Task<int> SpendAsync(QuotaWorld.QuotaHost host)
        {
            var points = 0;
            await QuotaWorld.UntilAsync(async () =>
            {
                var reason = host.Admit().Reason;
                if (reason == IngestReason.None)
                {
                    await host.CommitAsync(perMessage);
                    points += perMessage;
                }

                return reason == IngestReason.QuotaExceeded;
            });
            return points;
        }
    }

    [Fact]
    public async Task Two_hosts_with_many_threads_spend_exactly_a_months_bytes_but_for_what_is_too_little_for_a_message()
    {
        const long limit = 2_000_000;
        const int message = 100;
        var (world, one) = await QuotaWorld.MakeAsync(QuotaWorld.Limited(TenantAmounts.BytesPerMonth, limit));
        await using var _ = world;
        var other = await world.StartAsync();
        var work = Enumerable.Range(0, 16).Select(i => Task.Run(() => SpendAsync(i % 2 == 0 ? one : other)));
        var spent = (await Task.WhenAll(work)).Sum();

        // Threads that are refused at the very end may be so by each other, and leave a last message to who asks next.
        spent += await SpendAsync(one) + await SpendAsync(other);
        Assert.Equal(limit, spent + one.Quota.Bytes.Balance + other.Quota.Bytes.Balance);
        Assert.InRange(one.Quota.Bytes.Balance, 0, message - 1);
        Assert.InRange(other.Quota.Bytes.Balance, 0, message - 1);
        Assert.Equal(limit, await one.CounterAsync(BytesCounter));

        static async Task<long> SpendAsync(QuotaWorld.QuotaHost host)
        {
            var bytes = 0L;
            await QuotaWorld.UntilAsync(() =>
            {
                AdmissionDecision decision;
                while ((decision = host.Admit(bytes: message)).Reason == IngestReason.None)
                    bytes += message;
                return decision.Reason == IngestReason.QuotaExceeded;
            });
            return bytes;
        }
    }

    [Fact]
    public async Task Nobody_is_refused_while_much_is_left()
    {
        var (world, host) = await QuotaWorld.MakeAsync(QuotaWorld.Limited(TenantAmounts.PointsPerMonth, 1_000_000));
        await using var _ = world;
        await host.MeetAsync();
        for (var i = 0; i < 3_000; i++)
        {
            // Half a block is there while the next one is leased: 5,000 points, of which 100 come before anybody looks again.
            Assert.Equal(IngestReason.None, host.Admit().Reason);
            await host.CommitAsync(100);
            if (host.Quota.Points.Balance < 1_000)
                await QuotaWorld.UntilAsync(() => host.Quota.Points.Balance >= 1_000);
        }
    }

    [Fact]
    public async Task What_is_not_spent_is_given_back_when_the_host_stops()
    {
        var (world, host) = await QuotaWorld.MakeAsync(QuotaWorld.Limited(TenantAmounts.PointsPerMonth, 1_000));
        await using var _ = world;
        await host.MeetAsync();
        await host.CommitAsync(3);
        Assert.Equal(10, await host.CounterAsync(PointsCounter));
        await host.StopAsync();
        Assert.Equal(3, await host.CounterAsync(PointsCounter));
    }

    [Fact]
    public async Task What_an_idle_host_holds_is_given_back_for_the_others()
    {
        var (world, host) = await QuotaWorld.MakeAsync(QuotaWorld.Limited(TenantAmounts.BytesPerMonth, 40_000));
        await using var _ = world;
        await host.MeetAsync();
        Assert.Equal(10 + (16 * 1_024), await host.CounterAsync(BytesCounter));
        await AdvanceUntilAsync(world, async () => await host.CounterAsync(BytesCounter) == 10);
        Assert.Null(host.Quota.Snapshot);
        await host.MeetAsync();
        for (var i = 0; i < 2; i++)
            await QuotaWorld.UntilAsync(() => host.Admit(bytes: 19_990).Reason == IngestReason.None);
        await QuotaWorld.UntilAsync(() => host.Admit(bytes: 1).Reason == IngestReason.QuotaExceeded);
        Assert.Equal(40_000, await host.CounterAsync(BytesCounter));
    }

    [Fact]
    public async Task A_new_month_begins_with_all_of_it()
    {
        var (world, host) = await QuotaWorld.MakeAsync(QuotaWorld.Limited(TenantAmounts.BytesPerMonth, 1_000));
        await using var _ = world;
        await host.MeetAsync();
        await QuotaWorld.UntilAsync(() => host.Admit(bytes: 990).Reason == IngestReason.None);
        await QuotaWorld.UntilAsync(() => host.Admit(bytes: 1).Reason == IngestReason.QuotaExceeded);
        world.Time.SetUtcNow(new DateTimeOffset(2026, 12, 1, 0, 0, 1, TimeSpan.Zero));
        var spent = 0;
        await QuotaWorld.UntilAsync(() =>
        {
            var reason = host.Admit(bytes: 100).Reason;
            spent += reason == IngestReason.None ? 100 : 0;
            return reason == IngestReason.QuotaExceeded;
        });
        Assert.Equal(1_000, spent);
        Assert.Equal(1_000, await host.CounterAsync("bytes-per-month@2026-12"));
        Assert.Equal(1_000, await host.CounterAsync(BytesCounter));
    }

    [Fact]
    public async Task A_higher_limit_holds_after_the_snapshots_lifetime()
    {
        var (world, host) = await QuotaWorld.MakeAsync(QuotaWorld.Limited(TenantAmounts.BytesPerMonth, 100));
        await using var _ = world;
        await host.MeetAsync();
        await QuotaWorld.UntilAsync(() => host.Admit(bytes: 200).Reason == IngestReason.QuotaExceeded);
        await host.Tenants.UpdateAsync(QuotaWorld.Plant, 1, QuotaWorld.Limited(TenantAmounts.BytesPerMonth, 1_000));
        world.Time.Advance(TimeSpan.FromSeconds(1));
        await QuotaWorld.UntilAsync(() => host.Admit(bytes: 200).Reason == IngestReason.None);
    }

    [Fact]
    public async Task What_was_spent_without_limit_counts_when_a_limit_comes()
    {
        var (world, host) = await QuotaWorld.MakeAsync();
        await using var _ = world;
        await host.MeetAsync();
        Assert.Equal(IngestReason.None, host.Admit(bytes: 990).Reason);
        await AdvanceUntilAsync(world, async () => await host.CounterAsync(BytesCounter) == 1_000);
        await host.Tenants.UpdateAsync(QuotaWorld.Plant, 1, QuotaWorld.Limited(TenantAmounts.BytesPerMonth, 1_000));
        await host.MeetAsync();
        await QuotaWorld.UntilAsync(() => host.Admit(bytes: 1).Reason == IngestReason.QuotaExceeded);
    }

    [Fact]
    public async Task A_limit_of_none_refuses_all_but_the_credit()
    {
        var (world, host) = await QuotaWorld.MakeAsync(QuotaWorld.Limited(TenantAmounts.PointsPerMonth, 0));
        await using var _ = world;
        await host.MeetAsync();
        await QuotaWorld.UntilAsync(() => host.Admit().Reason == IngestReason.QuotaExceeded);
        Assert.Equal(0, await host.CounterAsync(PointsCounter));
    }

    [Fact]
    public async Task Of_two_hosts_one_warns_once_in_a_month()
    {
        var (world, one) = await QuotaWorld.MakeAsync(QuotaWorld.Limited(TenantAmounts.PointsPerMonth, 1_000));
        await using var _ = world;
        var other = await world.StartAsync();
        foreach (var host in new[] { one, other, one, other })
        {
            await host.MeetAsync();
            for (var i = 0; i < 26; i++)
            {
                await QuotaWorld.UntilAsync(() => host.Admit().Reason is IngestReason.None or IngestReason.QuotaExceeded);
                await host.CommitAsync(10);
            }
        }

        await QuotaWorld.UntilAsync(() => one.Quota.Warned.Count + other.Quota.Warned.Count == 2);
        var warning = Assert.Single(world.Warned.All);
        Assert.Equal(
            (QuotaWorld.Plant, LimitKind.Amount, "points-per-month", "2026-11", 1_000L),
            (warning.Tenant, warning.Kind, warning.Name, warning.Period, warning.Limit)
        );
        Assert.InRange(warning.Used, 800, 1_000);
        Assert.Single(await one.Store.ListAsync(ControlScope.Of(QuotaWorld.Plant), "usage-warning", null, 10));
    }

    [Fact]
    public async Task A_count_is_warned_of_too()
    {
        var (world, host) = await QuotaWorld.MakeAsync();
        await using var _ = world;
        await host.MeetAsync();
        await host.Store.CommitAsync([ControlChange.Count(QuotaWorld.Plant, TenantCounters.Devices, 8)]);
        await AdvanceUntilAsync(
            world,
            () =>
            {
                host.Admit();
                return ValueTask.FromResult(world.Warned.All.Count == 1);
            }
        );
        var warning = Assert.Single(world.Warned.All);
        Assert.Equal((LimitKind.Count, "devices", 10L, 8L), (warning.Kind, warning.Name, warning.Limit, warning.Used));
    }

    /// <summary>Lets minutes pass until the background has seen them.</summary>
    private static Task AdvanceUntilAsync(QuotaWorld world, Func<ValueTask<bool>> condition) =>
        QuotaWorld.UntilAsync(async () =>
        {
            world.Time.Advance(TimeSpan.FromSeconds(20));
            return await condition();
        });
}
