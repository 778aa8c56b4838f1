namespace Insa.Iiot.Tenancy.Tests.Quotas;

/// <summary>A tenant's rate over several hosts, in virtual time: each host tries so many messages a second.</summary>
public sealed class RateSharesTests
{
    private const int Rate = 100;
    private const int StepsPerSecond = 20;

    [Theory]
    [InlineData(300, 300, 300)]
    [InlineData(500, 40, 3)]
    [InlineData(60, 60, 60)]
    [InlineData(2_000, 0, 0)]
    [InlineData(95, 20, 0)]
    public async Task Several_hosts_admit_in_a_minute_what_one_would(params int[] loads)
    {
        var (world, hosts) = await StartAsync(loads.Length);
        await using var _ = world;
        await RunAsync(world, hosts, loads, seconds: 10);
        var admitted = await RunAsync(world, hosts, loads, seconds: 60);
        Assert.InRange(admitted.Sum(), Rate * 60 * 0.98, Rate * 60 * 1.02);
    }

    [Fact]
    public async Task From_rest_the_first_rush_is_paid_back_within_the_minute()
    {
        var (world, hosts) = await StartAsync(3);
        await using var _ = world;
        var admitted = await RunAsync(world, hosts, [300, 300, 300], seconds: 60);

        // One host admits a window's worth at once beside what it admits in the minute.
        Assert.InRange(admitted.Sum(), Rate * 60 * 0.98, Rate * 61 * 1.02);
    }

    [Fact]
    public async Task What_stays_below_the_rate_is_never_refused()
    {
        var (world, hosts) = await StartAsync(3);
        await using var _ = world;
        var admitted = await RunAsync(world, hosts, [40, 20, 20], seconds: 30);
        Assert.Equal([40 * 30, 20 * 30, 20 * 30], admitted);
    }

    [Fact]
    public async Task Each_host_gets_its_part_of_what_is_asked_for()
    {
        var (world, hosts) = await StartAsync(2);
        await using var _ = world;
        await RunAsync(world, hosts, [600, 200], seconds: 10);
        var admitted = await RunAsync(world, hosts, [600, 200], seconds: 30);
        Assert.InRange(admitted[0], 70 * 30, 80 * 30);
        Assert.InRange(admitted[1], 20 * 30, 30 * 30);
    }

    [Fact]
    public async Task A_host_that_comes_or_goes_changes_what_the_others_admit()
    {
        var (world, hosts) = await StartAsync(2);
        await using var _ = world;
        await RunAsync(world, hosts, [300, 0], seconds: 10);
        await RunAsync(world, hosts, [300, 300], seconds: 5);
        var both = await RunAsync(world, hosts, [300, 300], seconds: 20);
        Assert.InRange(both[1], 40 * 20, 60 * 20);

        // One that is killed is not told of: it is heard of no more.
        await RunAsync(world, hosts, [300, 0], seconds: 30);
        var alone = await RunAsync(world, hosts, [300, 0], seconds: 20);
        Assert.InRange(alone[0], Rate * 20 * 0.98, Rate * 20 * 1.02);
    }

    [Fact]
    public async Task A_host_that_stops_leaves_its_share_at_once()
    {
        var (world, hosts) = await StartAsync(2);
        await using var _ = world;
        await RunAsync(world, hosts, [300, 300], seconds: 10);
        await hosts[1].StopAsync();
        await RunAsync(world, hosts[..1], [300], seconds: 3);
        var alone = await RunAsync(world, hosts[..1], [300], seconds: 20);
        Assert.InRange(alone[0], Rate * 20 * 0.98, Rate * 20 * 1.02);
    }

    [Fact]
    public async Task Points_are_shared_as_messages_are()
    {
        var (world, hosts) = await StartAsync(2, TenantRates.Points);
        await using var _ = world;
        await RunAsync(world, hosts, [100, 100], seconds: 10, points: 5);
        var admitted = await RunAsync(world, hosts, [100, 100], seconds: 60, points: 5);
        Assert.InRange(admitted.Sum() * 5, Rate * 60 * 0.98, Rate * 60 * 1.02);
    }

    private static async Task<(QuotaWorld World, QuotaWorld.QuotaHost[] Hosts)> StartAsync(int count, string rate = TenantRates.Messages)
    {
        var (world, first) = await QuotaWorld.MakeAsync(QuotaWorld.Rated((rate, $"{Rate}:1")));
        var hosts = new List<QuotaWorld.QuotaHost> { first };
        while (hosts.Count < count)
            hosts.Add(await world.StartAsync());
        foreach (var host in hosts)
            await host.MeetAsync();
        world.Time.Advance(TimeSpan.FromSeconds(2));
        return (world, [.. hosts]);
    }

    /// <returns>What each host admitted.</returns>
    private static async Task<int[]> RunAsync(QuotaWorld world, QuotaWorld.QuotaHost[] hosts, int[] loads, int seconds, int points = 0)
    {
        var admitted = new int[hosts.Length];
        var tried = new int[hosts.Length];
        for (var step = 1; step <= seconds * StepsPerSecond; step++)
        {
            world.Time.Advance(TimeSpan.FromSeconds(1) / StepsPerSecond);
            for (var i = 0; i < hosts.Length; i++)
            {
                for (; tried[i] * StepsPerSecond < loads[i] * step; tried[i]++)
                {
                    if (hosts[i].Admit().Reason != IngestReason.None)
                        continue;
                    admitted[i]++;
                    if (points > 0)
                        await hosts[i].CommitAsync(points);
                }
            }

            foreach (var host in hosts)
            {
                if (host.Quota.IsQueued)
                    await QuotaWorld.UntilAsync(() => !host.Quota.IsQueued);
            }
        }

        return admitted;
    }
}
