using System.Text.Json.Nodes;
using Insa.Iiot.Tenancy;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class StatisticsApiTests : IAsyncLifetime
{
    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await ApiWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Storage_is_told_as_of_when_it_was_measured()
    {
        var fresh = await ReadAsync(_world.Ann);

        // Whether a host's first measuring comes before its first tenant or after it is chance.
        Assert.Equal(fresh["storageMeasuredAt"] is null, fresh["storageBytes"] is null);
        Assert.Equal(0, (long?)fresh["storageBytes"] ?? 0);
        await _world.PostAsync("/api/v1/devices", _world.Ann.Token, """{"id":"press"}""");
        Assert.Equal(204, await SendAsync());

        _world.Time.Advance(TimeSpan.FromDays(1));
        var tomorrow = await _world.AddAsync("zoe", ApiWorld.Plant, Role.Admin);
        var now = _world.Time.GetUtcNow().UtcDateTime;
        var measured = await UntilAsync(tomorrow, statistics => (DateTime?)statistics["storageMeasuredAt"] == now);
        Assert.InRange((long)measured["storageBytes"]!, 10, 1_000);

        var hours = (await _world.GetAsync("/api/v1/tenant/usage/hours?to=2026-05-02T09:00:00Z", tomorrow.Token)).Json["hours"]!.AsArray();
        Assert.Equal((long)measured["storageBytes"]!, hours.Sum(hour => (long)hour!["storageDays"]!));
    }

    [Fact]
    public async Task Refusals_are_told_by_reason_and_by_limit()
    {
        await _world.PostAsync("/api/v1/devices", _world.Ann.Token, """{"id":"press"}""");
        var tenants = _world.Get<TenantDirectory>();
        await tenants.UpdateAsync(
            ApiWorld.Plant,
            (await tenants.FindAsync(ApiWorld.Plant))!.Version,
            new TenantSettings
            {
                DisplayName = "Plant",
                Plan = "enterprise",
                Rates = new Dictionary<string, string?> { [TenantRates.Messages] = "1:3600,2:7200" },
            }
        );
        var refused = 0;
        for (var i = 0; i < 40; i++)
            refused += await SendAsync() == 429 ? 1 : 0;
        Assert.True(refused > 0);
        var refusedAt = _world.Time.GetUtcNow().UtcDateTime;

        // When the host writes down what was used.
        _world.Time.Advance(TimeSpan.FromMinutes(6));
        var statistics = await UntilAsync(_world.Ann, found => (long)found["refusals"]!["rate"]! == refused);
        Assert.Equal((0L, 0L), ((long)statistics["refusals"]!["inactive"]!, (long)statistics["refusals"]!["quota"]!));
        var limit = Assert.Single(statistics["refusals"]!["byLimit"]!.AsArray())!;
        Assert.Equal("messages", (string)limit["name"]!);
        Assert.Equal(refusedAt, (DateTime)limit["lastRefusedAt"]!);
        Assert.InRange((long)limit["inHour"]!, 1, refused);
    }

    private async Task<int> SendAsync() =>
        (await _world.PostAsync("/api/v1/devices/press/telemetry", _world.Ann.Token, """{"data":{"n":1}}""")).Status;

    private async Task<JsonNode> ReadAsync(ApiWorld.Person person)
    {
        var answer = await _world.GetAsync("/api/v1/tenant/statistics", person.Token);
        Assert.Equal(200, answer.Status);
        return answer.Json;
    }

    private async Task<JsonNode> UntilAsync(ApiWorld.Person person, Func<JsonNode, bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var statistics = await ReadAsync(person);
            if (condition(statistics))
                return statistics;
            await Task.Delay(5, deadline.Token);
        }
    }
}
