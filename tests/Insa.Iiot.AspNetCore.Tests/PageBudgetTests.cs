using System.Text.Json.Nodes;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class PageBudgetTests : IAsyncLifetime
{
    private const int Letters = 40;
    private const int LetterBytes = 250 * 1024;

    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await ApiWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_page_of_large_dead_letters_ends_early_and_names_the_next()
    {
        await _world
            .Get<IDeadLetterStore>()
            .AppendAsync(
                [
                    .. Enumerable
                        .Range(0, Letters)
                        .Select(_ => new DeadLetter
                        {
                            Tenant = ApiWorld.Plant,
                            Device = DeviceId.Parse("press"),
                            ReceivedAt = _world.Time.GetUtcNow().UtcDateTime,
                            Reason = IngestReason.Unstorable,
                            MediaType = "application/json",
                            Payload = new byte[LetterBytes],
                        }),
                ],
                CancellationToken.None
            );
        var pages = await ReadAsync("/api/v1/dead-letters?limit=1000");
        Assert.All(pages, page => Assert.InRange(page.Body.Length, 1, 6 * 1024 * 1024));
        var ids = pages.SelectMany(page => page.Json["items"]!.AsArray().Select(item => (string)item!["id"]!)).ToList();
        Assert.Equal((Letters, Letters), (ids.Count, ids.Distinct().Count()));

        // As many as asked for, and one at least.
        var two = (await _world.GetAsync("/api/v1/dead-letters?limit=2", _world.Ann.Token)).Json;
        Assert.Equal(2, two["items"]!.AsArray().Count);
        Assert.NotNull((string?)two["next"]);
    }

    [Fact]
    public async Task A_page_of_large_values_ends_early_and_names_the_next()
    {
        await _world.PostAsync("/api/v1/devices", _world.Ann.Token, """{"id":"press"}""");
        for (var i = 0; i < 12; i++)
        {
            var body = new JsonObject
            {
                ["data"] = new JsonObject { ["t"] = new string('x', 240_000) },
                ["timestamp"] = 1777622400000 + i,
            };
            Assert.Equal(204, (await _world.PostAsync("/api/v1/devices/press/telemetry", _world.Ann.Token, body.ToJsonString())).Status);
        }

        var pages = await ReadAsync("/api/v1/devices/press/telemetry?limit=10000");
        Assert.InRange(pages.Count, 2, 4);
        Assert.Equal(
            12,
            pages.SelectMany(page => page.Json["points"]!.AsArray().Select(point => (string)point!["timestamp"]!)).Distinct().Count()
        );
    }

    private async Task<List<ApiWorld.Answer>> ReadAsync(string path)
    {
        var pages = new List<ApiWorld.Answer>();
        for (string? next = ""; next is not null; next = (string?)pages[^1].Json["next"])
        {
            var answer = await _world.GetAsync(next.Length == 0 ? path : $"{path}&cursor={Uri.EscapeDataString(next)}", _world.Ann.Token);
            Assert.Equal(200, answer.Status);
            pages.Add(answer);
        }

        return pages;
    }
}
