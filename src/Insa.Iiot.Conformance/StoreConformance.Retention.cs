using Xunit;

namespace Insa.Iiot.Conformance;

/// <content>Retention.</content>
public abstract partial class StoreConformance
{
    private static readonly TimeSpan Month = TimeSpan.FromDays(30);

    /// <summary>The policies under test; <see langword="null"/> of a store that keeps everything for ever, which passes over their tests.</summary>
    protected virtual IRetentionPolicyStore? Retention => null;

    /// <summary>Deletes now what is due, as the store otherwise does in the background.</summary>
    protected virtual Task ExpireAsync() => Task.CompletedTask;

    /// <summary>A policy is its tenant's alone, and of two changes at once one learns of the other.</summary>
    [Fact]
    public async Task A_policy_is_changed_only_by_who_has_seen_it()
    {
        var policies = GetRetention();
        var month = new RetentionPolicy(RetentionPolicy.AllMetrics, RetentionTier.Raw, Month);
        var week = month with { Keep = TimeSpan.FromDays(7) + TimeSpan.FromMicroseconds(1) };
        Assert.Empty(await policies.ListAsync(Plant));
        Assert.False(await policies.RemoveAsync(Plant, month));
        Assert.False(await policies.SetAsync(Plant, month, Month));
        Assert.True(await policies.SetAsync(Plant, month, seen: null));
        Assert.False(await policies.SetAsync(Plant, week, seen: null));
        Assert.False(await policies.SetAsync(Plant, week, week.Keep));
        Assert.Equal([month], await policies.ListAsync(Plant));
        Assert.True(await policies.SetAsync(Plant, week, Month));
        Assert.Equal([week], await policies.ListAsync(Plant));

        Assert.Empty(await policies.ListAsync(Other));
        Assert.False(await policies.RemoveAsync(Other, week));
        Assert.True(await policies.SetAsync(Other, month, seen: null));
        Assert.False(await policies.RemoveAsync(Plant, month));
        Assert.True(await policies.RemoveAsync(Plant, week));
        Assert.Empty(await policies.ListAsync(Plant));
        Assert.Equal([month], await policies.ListAsync(Other));
    }

    /// <summary>Of many who set the same policy at once, one does.</summary>
    [Fact]
    public async Task Of_many_who_set_a_policy_at_once_one_does()
    {
        var policies = GetRetention();
        var done = await Task.WhenAll(
            Enumerable
                .Range(1, 8)
                .Select(days =>
                    Task.Run(() =>
                        policies.SetAsync(
                            Plant,
                            new RetentionPolicy(RetentionPolicy.AllMetrics, RetentionTier.Raw, TimeSpan.FromDays(days)),
                            seen: null
                        )
                    )
                )
        );
        Assert.Single(done, isDone => isDone);
        Assert.Single(await policies.ListAsync(Plant));
    }

    /// <summary>The longest time there is, and every tier and pattern that the store says it keeps, read back; others are refused.</summary>
    [Fact]
    public async Task What_a_store_says_it_keeps_reads_back_and_other_policies_are_refused()
    {
        var policies = GetRetention();
        var expected = new List<RetentionPolicy>();
        foreach (var metric in (string[])[RetentionPolicy.AllMetrics, "a'b\"_%?"])
        {
            foreach (var tier in Enum.GetValues<RetentionTier>())
            {
                var policy = new RetentionPolicy(metric, tier, TimeSpan.FromMicroseconds(TimeSpan.MaxValue.Ticks / 10));
                if (policies.Tiers.Contains(tier) && (policies.IsByMetric || metric == RetentionPolicy.AllMetrics))
                {
                    Assert.True(await policies.SetAsync(Plant, policy, seen: null));
                    expected.Add(policy);
                }
                else
                    await Assert.ThrowsAsync<NotSupportedException>(() => policies.SetAsync(Plant, policy, seen: null));
            }
        }

        Assert.Equal(expected, await policies.ListAsync(Plant));
        await Assert.ThrowsAsync<ArgumentException>(() => policies.SetAsync(Plant, expected[0] with { Metric = "" }, seen: null));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => policies.SetAsync(Plant, expected[0] with { Keep = default }, Month));
        await Assert.ThrowsAsync<InvalidOperationException>(() => policies.ListAsync(default));
        await Assert.ThrowsAsync<InvalidOperationException>(() => policies.SetAsync(default, expected[0], seen: null));
    }

    /// <summary>A tenant has no more policies than it may, also when many are set at once.</summary>
    [Fact]
    public async Task A_tenant_has_no_more_policies_than_it_may()
    {
        var policies = GetRetention();
        if (!policies.IsByMetric)
        {
            // One policy for each tier: that bounds them.
            Assert.InRange(policies.Tiers.Count, 1, IRetentionPolicyStore.MaxPolicies);
            return;
        }

        for (var i = 2; i < IRetentionPolicyStore.MaxPolicies; i++)
            Assert.True(await policies.SetAsync(Plant, PolicyOf(i), seen: null));
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(1000, 8)
                .Select(async i =>
                {
                    try
                    {
                        return await policies.SetAsync(Plant, PolicyOf(i), seen: null);
                    }
                    catch (LimitReachedException)
                    {
                        return false;
                    }
                })
        );
        Assert.Equal(2, outcomes.Count(isDone => isDone));
        Assert.Equal(IRetentionPolicyStore.MaxPolicies, (await policies.ListAsync(Plant)).Count);
        await Assert.ThrowsAsync<LimitReachedException>(() => policies.SetAsync(Plant, PolicyOf(2000), seen: null));
        Assert.False(await policies.SetAsync(Plant, PolicyOf(2), seen: null));
        Assert.True(await policies.SetAsync(Other, PolicyOf(2000), seen: null));

        static RetentionPolicy PolicyOf(int i) => new($"m{i}", RetentionTier.Raw, Month);
    }

    /// <summary>What a tenant no longer keeps is deleted, and nothing else; also what comes late for the same time.</summary>
    [Fact]
    public async Task What_is_due_is_deleted_and_nothing_else()
    {
        var policies = GetRetention();
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var (old, recent) = (now.Date.AddDays(-40).AddHours(12), now.Date.AddDays(-20).AddHours(12));
        var pump = DeviceId.Parse("pump");
        foreach (var tenant in (TenantId[])[Plant, Other])
        {
            await WriteAsync(tenant, Press, old, "n", 1);
            await WriteAsync(tenant, Press, old.AddMinutes(1), "m", 2);
            await WriteAsync(tenant, Press, recent, "n", 3);
            await WriteAsync(tenant, pump, old, "n", 4);
        }

        await SettleAsync();
        await ExpireAsync();
        Assert.Equal(3, (await ReadAsync(Plant, new TelemetryQuery { Device = Press })).Count);

        Assert.True(await policies.SetAsync(Plant, new RetentionPolicy(RetentionPolicy.AllMetrics, RetentionTier.Raw, Month), seen: null));
        await ExpireAsync();
        Assert.Equal([("n", 3)], Plain(await ReadAsync(Plant, new TelemetryQuery { Device = Press })));
        Assert.Empty(await ReadAsync(Plant, new TelemetryQuery { Device = pump }));
        Assert.Contains(("n", 3), Plain(await Reader.ReadLatestAsync(Plant, Press)));
        Assert.Equal(3, (await ReadAsync(Other, new TelemetryQuery { Device = Press })).Count);
        Assert.Equal([("n", 4)], Plain(await ReadAsync(Other, new TelemetryQuery { Device = pump })));
        Assert.Equal([("n", 4)], Plain(await Reader.ReadLatestAsync(Other, pump)));

        await WriteAsync(Plant, Press, old.AddSeconds(1), "n", 5);
        Assert.Equal([("n", 5), ("n", 3)], Plain(await ReadAsync(Plant, new TelemetryQuery { Device = Press })));
        await SettleAsync();
        await ExpireAsync();
        Assert.Equal([("n", 3)], Plain(await ReadAsync(Plant, new TelemetryQuery { Device = Press })));
    }

    private IRetentionPolicyStore GetRetention()
    {
        Assert.SkipWhen(Retention is null, "The store has no retention policies.");
        return Retention;
    }
}
