using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Tests;

public sealed class TenantDirectoryTests : IAsyncLifetime
{
    private static readonly TenantSettings Settings = new() { DisplayName = "Other" };
    private TenancyWorld _world = null!;

    private TenantDirectory Tenants => _world.Tenants;

    public async ValueTask InitializeAsync() => _world = await TenancyWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_tenant_is_found_as_it_was_made()
    {
        var settings = Settings with
        {
            Plan = "professional",
            Limits = new Dictionary<string, long?> { ["devices"] = 7 },
            Features = new Dictionary<string, bool> { ["ml"] = true },
        };
        var made = await Tenants.CreateAsync(TenancyWorld.Other, settings);
        var found = await Tenants.FindAsync(TenancyWorld.Other);
        Assert.Equivalent(made, found, strict: true);
        Assert.Equal((TenantState.Active, "professional", 1L, 7L), (made.State, made.Plan, made.Version, made.Limits["devices"]));
        Assert.Null(await Tenants.FindAsync(TenantId.Parse("nobody")));
    }

    [Fact]
    public async Task An_id_is_given_once() =>
        await TenancyWorld.RefusedAsync(TenancyError.Exists, Tenants.CreateAsync(TenancyWorld.Plant, Settings));

    [Fact]
    public async Task Limits_are_the_plans_unless_the_tenant_has_its_own()
    {
        await Tenants.CreateAsync(
            TenancyWorld.Other,
            Settings with
            {
                Limits = new Dictionary<string, long?> { ["users"] = null, ["rules"] = 3 },
            }
        );
        Assert.Equal(
            [
                new("admins", 0, null),
                new("api-keys", 0, null),
                new("children", 0, null),
                new("devices", 0, 10),
                new("invitations", 0, 10),
                new("roles", 0, 10),
                new("rules", 0, 3),
                new("users", 0, null),
            ],
            await Tenants.ReadUsageAsync(TenancyWorld.Other)
        );
        var seen = (await Tenants.FindAsync(TenancyWorld.Other))!;
        await Tenants.UpdateAsync(TenancyWorld.Other, seen.Version, Settings with { Plan = "enterprise" });
        Assert.Equal(
            [new("devices", 0, null), new("users", 0, null)],
            (await Tenants.ReadUsageAsync(TenancyWorld.Other)).Where(counter => counter.Name is "devices" or "users")
        );
    }

    [Fact]
    public async Task A_feature_is_the_tenants_own_setting_else_its_plans()
    {
        var off = await Tenants.CreateAsync(
            TenancyWorld.Other,
            Settings with
            {
                Features = new Dictionary<string, bool> { ["ml"] = true },
            }
        );
        Assert.True(Tenants.HasFeature(off, "ml"));
        Assert.False(Tenants.HasFeature(off, "bridging"));
        Assert.False(Tenants.HasFeature(off with { Plan = "gone" }, "bridging"));
        Assert.False(Tenants.HasFeature(off, "nothing"));
    }

    [Fact]
    public async Task A_child_feature_is_on_only_with_its_parent()
    {
        var enterprise = await Tenants.CreateAsync(TenancyWorld.Other, Settings with { Plan = "enterprise" });
        Assert.False(Tenants.HasFeature(enterprise, "ml.anomaly"));
        var both = enterprise with { Features = new Dictionary<string, bool> { ["ml"] = true } };
        Assert.Equal([("bridging", false), ("ml", true), ("ml.anomaly", true)], Tenants.ListFeatures(both).Select(f => (f.Name, f.IsOn)));
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await Tenants.UpdateAsync(
                TenancyWorld.Other,
                1,
                Settings with
                {
                    Features = new Dictionary<string, bool> { ["nothing"] = true },
                }
            )
        );
    }

    [Fact]
    public async Task Tenants_lie_below_each_other_up_to_a_depth()
    {
        var parent = TenancyWorld.Plant;
        for (var depth = 1; depth <= 8; depth++)
        {
            var child = TenantId.Parse($"plant-{depth}");
            await Tenants.CreateAsync(child, Settings, parent);
            parent = child;
        }

        await TenancyWorld.RefusedAsync(TenancyError.TenantState, Tenants.CreateAsync(TenantId.Parse("plant-9"), Settings, parent));
    }

    [Fact]
    public async Task A_change_of_another_version_is_refused()
    {
        var seen = (await Tenants.FindAsync(TenancyWorld.Plant))!;
        await Tenants.UpdateAsync(TenancyWorld.Plant, seen.Version, Settings);
        await TenancyWorld.RefusedAsync(TenancyError.Changed, Tenants.UpdateAsync(TenancyWorld.Plant, seen.Version, Settings));
        await TenancyWorld.RefusedAsync(TenancyError.NotFound, Tenants.UpdateAsync(TenantId.Parse("nobody"), 1, Settings));
    }

    [Fact]
    public async Task States_follow_each_other_as_they_may()
    {
        var suspended = await Tenants.SuspendAsync(TenancyWorld.Plant, 1);
        Assert.Equal(TenantState.Suspended, suspended.State);
        await TenancyWorld.RefusedAsync(TenancyError.TenantState, Tenants.SuspendAsync(TenancyWorld.Plant, suspended.Version));
        var resumed = await Tenants.ResumeAsync(TenancyWorld.Plant, suspended.Version);
        await TenancyWorld.RefusedAsync(TenancyError.TenantState, Tenants.ResumeAsync(TenancyWorld.Plant, resumed.Version));
        var leaving = await Tenants.OffboardAsync(TenancyWorld.Plant, resumed.Version);
        await TenancyWorld.RefusedAsync(TenancyError.TenantState, Tenants.ResumeAsync(TenancyWorld.Plant, leaving.Version));
        Assert.Equal("Plant 7", (await Tenants.FindAsync(TenancyWorld.Plant))!.DisplayName);
    }

    [Fact]
    public async Task Sub_tenants_are_listed_below_an_active_parent()
    {
        var line = TenantId.Parse("plant-line-1");
        Assert.Equal(TenancyWorld.Plant, (await Tenants.CreateAsync(line, Settings, TenancyWorld.Plant)).Parent);
        Assert.Equal([line], await Tenants.ListChildrenAsync(TenancyWorld.Plant, null, 10));
        Assert.Empty(await Tenants.ListChildrenAsync(line, null, 10));
        Assert.Equal([TenancyWorld.Plant, line], (await Tenants.ListAsync(null, 10)).Select(tenant => tenant.Id));

        await Tenants.SuspendAsync(TenancyWorld.Plant, 1);
        var second = TenantId.Parse("plant-line-2");
        await TenancyWorld.RefusedAsync(TenancyError.TenantState, Tenants.CreateAsync(second, Settings, TenancyWorld.Plant));
        await TenancyWorld.RefusedAsync(TenancyError.NotFound, Tenants.CreateAsync(second, Settings, TenantId.Parse("nobody")));
        Assert.Null(await Tenants.FindAsync(second));
        Assert.Equal([line], await Tenants.ListChildrenAsync(TenancyWorld.Plant, null, 10));
    }

    [Theory]
    [InlineData("starter", 0L)]
    [InlineData("professional", 0L)]
    [InlineData("enterprise", null)]
    public void Sub_tenants_come_with_the_largest_plan_only(string plan, long? most) =>
        Assert.Equal(most, new TenancyOptions().Plans[plan].Limits.TryGetValue(TenantCounters.Children, out var limit) ? limit : null);

    [Fact]
    public async Task A_tenant_has_as_many_sub_tenants_as_it_may_whoever_asks_at_once()
    {
        await LimitChildrenAsync(3);
        await using var host = _world.MakeHost();
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(i =>
                    Task.Run(async () =>
                    {
                        try
                        {
                            await (i % 2 == 0 ? _world : host).Tenants.CreateChildAsync(
                                TenantId.Parse($"line-{i}"),
                                "Line",
                                TenancyWorld.Plant
                            );
                            return true;
                        }
                        catch (TenancyException e) when (e.Error == TenancyError.QuotaExceeded)
                        {
                            return false;
                        }
                    })
                )
        );
        Assert.Equal(3, outcomes.Count(isMade => isMade));
        Assert.Equal(3, (await Tenants.ListChildrenAsync(TenancyWorld.Plant, null, 20)).Count);
        Assert.Contains(new ControlCounter("children", 3, 3), await Tenants.ReadUsageAsync(TenancyWorld.Plant));
    }

    [Fact]
    public async Task A_full_tenant_is_not_told_whether_an_id_is_taken()
    {
        await Tenants.CreateAsync(TenancyWorld.Other, Settings);
        await LimitChildrenAsync(0);
        await TenancyWorld.RefusedAsync(
            TenancyError.QuotaExceeded,
            Tenants.CreateChildAsync(TenancyWorld.Other, "Line", TenancyWorld.Plant)
        );
    }

    [Fact]
    public async Task A_failed_sub_tenant_takes_nothing_of_the_limit()
    {
        await Tenants.CreateAsync(TenancyWorld.Other, Settings);
        await LimitChildrenAsync(1);
        await TenancyWorld.RefusedAsync(TenancyError.Exists, Tenants.CreateChildAsync(TenancyWorld.Other, "Line", TenancyWorld.Plant));
        await Tenants.CreateChildAsync(TenantId.Parse("line"), "Line", TenancyWorld.Plant);
    }

    [Fact]
    public async Task The_limit_holds_for_a_tenant_whose_counter_has_no_bound_yet()
    {
        await LimitChildrenAsync(0);
        await _world.Store.CommitAsync([ControlChange.Bound(TenancyWorld.Plant, TenantCounters.Children, least: null, most: null)]);
        await TenancyWorld.RefusedAsync(
            TenancyError.QuotaExceeded,
            Tenants.CreateChildAsync(TenantId.Parse("line"), "Line", TenancyWorld.Plant)
        );
    }

    [Fact]
    public async Task A_child_that_its_parents_administrator_makes_has_what_the_parent_has_and_no_children()
    {
        var settings = Settings with
        {
            Plan = "professional",
            Limits = new Dictionary<string, long?> { ["devices"] = 7, ["children"] = 2 },
            Rates = new Dictionary<string, string?> { [TenantRates.Messages] = "10:1" },
            Features = new Dictionary<string, bool> { ["ml"] = true },
        };
        await Tenants.UpdateAsync(TenancyWorld.Plant, 1, settings);
        var line = await Tenants.CreateChildAsync(TenantId.Parse("line"), "Line 1", TenancyWorld.Plant);
        Assert.Equal(("Line 1", "professional", TenancyWorld.Plant), (line.DisplayName, line.Plan, line.Parent));
        Assert.Equal(new Dictionary<string, long?> { ["devices"] = 7, ["children"] = 0 }, line.Limits);
        Assert.Equal(settings.Rates, line.Rates);
        Assert.Equal(settings.Features, line.Features);
        await TenancyWorld.RefusedAsync(TenancyError.QuotaExceeded, Tenants.CreateChildAsync(TenantId.Parse("cell"), "Cell", line.Id));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("Other", "gold")]
    public async Task What_is_not_valid_is_said_so(string name, string? plan) =>
        await Assert.ThrowsAnyAsync<ArgumentException>(async () =>
            await Tenants.CreateAsync(TenancyWorld.Other, new TenantSettings { DisplayName = name, Plan = plan })
        );

    [Fact]
    public void A_record_reads_back_as_it_was_written()
    {
        var record = new TenantRecord(
            "Ä",
            TenantState.Offboarding,
            "p",
            "q",
            new() { ["a"] = null, ["b"] = 2 },
            new() { ["f"] = false },
            DateTime.UnixEpoch
        );
        var stored = new ControlRecord(ControlScope.Platform, "tenant", "x", 1, RecordJson.Write(record));
        Assert.Equivalent(record, RecordJson.Read<TenantRecord>(stored), strict: true);
    }

    private async Task LimitChildrenAsync(long most) =>
        await Tenants.UpdateAsync(
            TenancyWorld.Plant,
            (await Tenants.FindAsync(TenancyWorld.Plant))!.Version,
            Settings with
            {
                Limits = new Dictionary<string, long?> { [TenantCounters.Children] = most },
            }
        );
}
