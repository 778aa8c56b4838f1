using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class RetentionApiTests(PostgresCluster cluster) : IAsyncLifetime
{
    private const string Path = "/api/v1/tenant/retention-policies";
    private const string Month = """{"tier":"raw","keep":"30d"}""";

    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await ApiWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_policy_lives_from_post_to_delete()
    {
        var made = await PostAsync(Month);
        var one = $"{Path}/{(string)made.Json["id"]!}";
        Assert.Equal((201, one), (made.Status, made.Headers["Location"]));
        Assert.Equal(("*", "raw", "30d"), Plain(made.Json));
        Assert.Equal($"\"{(long)made.Json["version"]!}\"", made.Headers["ETag"]);
        Assert.Equal("exists", (await PostAsync("""{"tier":"raw","keep":"7d"}""")).Problem);
        Assert.Equal(304, (await _world.GetAsync(one, _world.Ann.Token, ("If-None-Match", made.Headers["ETag"]))).Status);

        Assert.Equal("precondition-required", (await PutAsync(one, """{"keep":"36h"}""", ifMatch: null)).Problem);
        var changed = await PutAsync(one, """{"keep":"36h"}""", made.Headers["ETag"]);
        Assert.Equal((200, ("*", "raw", "36h")), (changed.Status, Plain(changed.Json)));
        Assert.Equal("changed", (await PutAsync(one, """{"keep":"7d"}""", made.Headers["ETag"])).Problem);
        Assert.Equal("changed", (await DeleteAsync(one, made.Headers["ETag"])).Problem);
        var list = (await _world.GetAsync(Path, _world.Ann.Token)).Json;
        Assert.Equal(["raw"], list["tiers"]!.AsArray().Select(tier => (string)tier!));
        Assert.False((bool)list["isByMetric"]!);
        Assert.Equal(("*", "raw", "36h"), Plain(Assert.Single(list["items"]!.AsArray())!));

        Assert.Equal(204, (await DeleteAsync(one, changed.Headers["ETag"])).Status);
        Assert.Equal(404, (await _world.GetAsync(one, _world.Ann.Token)).Status);
        Assert.Equal(404, (await PutAsync(one, """{"keep":"7d"}""", "*")).Status);
        Assert.Equal(404, (await DeleteAsync(one, "*")).Status);
    }

    [Fact]
    public async Task Tiers_and_metrics_of_a_store_that_keeps_them_apart_have_policies_of_their_own()
    {
        await using var world = await ApiWorld.MakeAsync(store: await cluster.MakeStoreAsync());
        foreach (var metric in (string[])["*", "line/1 temp?*", "%2F"])
        {
            foreach (var tier in (string[])["raw", "minute", "hour", "day"])
            {
                var body = new JsonObject
                {
                    ["metric"] = metric,
                    ["tier"] = tier,
                    ["keep"] = "90m",
                };
                var made = await world.PostAsync(Path, world.Ann.Token, body.ToJsonString());
                Assert.Equal((201, (metric, tier, "90m")), (made.Status, Plain(made.Json)));
                Assert.Equal(made.Text, (await world.GetAsync(made.Headers["Location"], world.Ann.Token)).Text);
            }
        }

        var list = (await world.GetAsync(Path, world.Ann.Token)).Json;
        Assert.Equal(["raw", "minute", "hour", "day"], list["tiers"]!.AsArray().Select(tier => (string)tier!));
        Assert.True((bool)list["isByMetric"]!);
        Assert.Equal(12, list["items"]!.AsArray().Count);
        Assert.Empty((await world.GetAsync(Path, world.Bob.Token)).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task A_tenant_that_has_all_the_policies_it_may_have_is_told_so()
    {
        await using var world = await ApiWorld.MakeAsync(store: await cluster.MakeStoreAsync());
        for (var i = 0; i < IRetentionPolicyStore.MaxPolicies; i++)
            Assert.True(
                await world
                    .Get<IRetentionPolicyStore>()
                    .SetAsync(ApiWorld.Plant, new RetentionPolicy($"m{i}", RetentionTier.Raw, TimeSpan.FromDays(1)), seen: null)
            );
        Assert.Equal("limit-reached", (await world.PostAsync(Path, world.Ann.Token, Month)).Problem);
        Assert.Equal(201, (await world.PostAsync(Path, world.Bob.Token, Month)).Status);
    }

    [Theory]
    [InlineData("""{"tier":"hour","keep":"30d"}""", "/tier")]
    [InlineData("""{"tier":"raw","keep":"30d","metric":"temperature"}""", "/metric")]
    public async Task What_the_store_does_not_keep_apart_is_refused_as_such(string body, string field)
    {
        var refused = await PostAsync(body);
        Assert.Equal((422, "not-kept", field), (refused.Status, refused.Problem, (string)refused.Json["field"]!));
        Assert.Empty((await _world.GetAsync(Path, _world.Ann.Token)).Json["items"]!.AsArray());
    }

    [Theory]
    [InlineData("""{"tier":"Raw","keep":"30d"}""", "/tier")]
    [InlineData("""{"tier":"0","keep":"30d"}""", "/tier")]
    [InlineData("""{"tier":"raw","keep":"59m"}""", "/keep")]
    [InlineData("""{"tier":"raw","keep":"36501d"}""", "/keep")]
    [InlineData("""{"tier":"raw","keep":"-1d"}""", "/keep")]
    [InlineData("""{"tier":"raw","keep":"P30D"}""", "/keep")]
    [InlineData("""{"tier":"raw","keep":"30d","metric":""}""", "/metric")]
    [InlineData("""{"tier":"raw","keep":"30d","metric":"a\u0000"}""", "/metric")]
    [InlineData("""{"tier":"raw"}""", null)]
    [InlineData("""{"tier":"raw","keep":"30d","metric":null}""", null)]
    public async Task What_makes_no_sense_is_not_valid(string body, string? field)
    {
        var refused = await PostAsync(body);
        Assert.Equal((400, "invalid", field), (refused.Status, refused.Problem, (string?)refused.Json["field"]));
    }

    [Fact]
    public async Task Engineers_read_and_administrators_change()
    {
        var one = (await PostAsync(Month)).Headers["Location"];
        var engineer = await _world.AddAsync("eve", ApiWorld.Plant, "engineer");
        var viewer = await _world.AddAsync("vic", ApiWorld.Plant, "viewer");
        Assert.Equal(200, (await _world.GetAsync(one, engineer.Token)).Status);
        Assert.Equal("permission-denied", (await _world.PostAsync(Path, engineer.Token, Month)).Problem);
        Assert.Equal(
            "permission-denied",
            (await _world.SendAsync(HttpMethod.Delete, one, engineer.Token, body: null, ("If-Match", "*"))).Problem
        );
        Assert.Equal("permission-denied", (await _world.GetAsync(Path, viewer.Token)).Problem);
    }

    [Fact]
    public async Task A_repeated_request_gets_the_first_ones_answer()
    {
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var first = await _world.PostAsync(Path, _world.Ann.Token, Month, key);
        var again = await _world.PostAsync(Path, _world.Ann.Token, Month, key);
        Assert.Equal((201, "true", first.Text), (again.Status, again.Headers["Idempotency-Replayed"], again.Text));
        Assert.Equal(
            "idempotency-key-reused",
            (await _world.PostAsync(Path, _world.Ann.Token, """{"tier":"raw","keep":"7d"}""", key)).Problem
        );
    }

    [Fact]
    public async Task The_log_says_what_was_decided()
    {
        var one = (await PostAsync(Month)).Headers["Location"];
        await PostAsync(Month);
        await PutAsync(one, """{"keep":"7d"}""", "*");
        await DeleteAsync(one, "*");
        var log = (await _world.GetAsync("/api/v1/audit", _world.Ann.Token)).Json["items"]!.AsArray();
        Assert.Equal(
            [
                ("retention.create", "* raw 30d", null),
                ("retention.create", "* raw 30d", "exists"),
                ("retention.update", "* raw 7d", null),
                ("retention.delete", "* raw 7d", null),
            ],
            log.Select(entry => ((string)entry!["action"]!, (string)entry["target"]!, (string?)entry["refusal"]))
        );
    }

    [Fact]
    public async Task A_host_without_retention_policies_starts_and_says_so()
    {
        await using var world = await ApiWorld.MakeAsync(configure: iiot => iiot.Services.RemoveAll<IRetentionPolicyStore>());
        foreach (
            var answer in new[]
            {
                await world.GetAsync(Path, world.Ann.Token),
                await world.GetAsync($"{Path}/7", world.Ann.Token),
                await world.PostAsync(Path, world.Ann.Token, Month),
                await world.SendAsync(HttpMethod.Put, $"{Path}/7", world.Ann.Token, """{"keep":"7d"}""", ("If-Match", "*")),
                await world.SendAsync(HttpMethod.Delete, $"{Path}/7", world.Ann.Token, body: null, ("If-Match", "*")),
            }
        )
            Assert.Equal((501, "not-available"), (answer.Status, answer.Problem));
        var list = (await world.GetAsync("/openapi/v1.json", null)).Json["paths"]![Path]!["get"]!;
        Assert.NotNull(list["responses"]!["501"]);
        Assert.DoesNotContain("FromServices", list.ToJsonString(), StringComparison.Ordinal);
    }

    private static (string, string, string) Plain(JsonNode policy) =>
        ((string)policy["metric"]!, (string)policy["tier"]!, (string)policy["keep"]!);

    private Task<ApiWorld.Answer> PostAsync(string body) => _world.PostAsync(Path, _world.Ann.Token, body);

    private Task<ApiWorld.Answer> PutAsync(string path, string body, string? ifMatch) =>
        _world.SendAsync(HttpMethod.Put, path, _world.Ann.Token, body, ifMatch is null ? [] : [("If-Match", ifMatch)]);

    private Task<ApiWorld.Answer> DeleteAsync(string path, string ifMatch) =>
        _world.SendAsync(HttpMethod.Delete, path, _world.Ann.Token, body: null, ("If-Match", ifMatch));
}
