using Insa.Iiot.AspNetCore.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class IdempotencyTests
{
    private static readonly (string, string) Key = ("Idempotency-Key", "0123456789abcdef");

    [Fact]
    public async Task What_takes_long_is_not_begun_again_meanwhile_nor_broken_off()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (times, couldBeBrokenOff) = (0, true);
        await using var world = await ApiWorld.MakeAsync(app =>
            app.MapPost(
                    "/slow",
                    async (HttpContext http) =>
                    {
                        times++;
                        couldBeBrokenOff = http.RequestAborted.CanBeCanceled;
                        begun.TrySetResult();
                        await gate.Task;
                        return Results.Text("done");
                    }
                )
                .TakesIdempotencyKey()
                .RequireTenant()
        );
        var first = world.PostAsync("/slow", world.Ann.Token, "", Key);
        await begun.Task;
        var store = world.Get<IControlStore>();
        for (var i = 0; i < 8; i++)
        {
            var version = await VersionAsync();
            world.Time.Advance(TimeSpan.FromSeconds(15));
            while (await VersionAsync() == version)
                await Task.Yield();
        }

        Assert.Equal("in-progress", (await world.PostAsync("/slow", world.Ann.Token, "", Key)).Problem);
        gate.SetResult();
        Assert.Equal("done", (await first).Text);
        var again = await world.PostAsync("/slow", world.Ann.Token, "", Key);
        Assert.Equal(("done", "true", 1, false), (again.Text, again.Headers["Idempotency-Replayed"], times, couldBeBrokenOff));

        async Task<long> VersionAsync() =>
            Assert.Single(await store.ListAsync(ControlScope.Of(ApiWorld.Plant), "idempotency", null, 10)).Version;
    }

    [Fact]
    public async Task What_may_have_been_done_is_not_tried_again_at_once()
    {
        var times = 0;
        await using var world = await ApiWorld.MakeAsync(app =>
            app.MapPost(
                    "/broken",
                    string (HttpContext _) =>
                        ++times == 1 ? throw new TelemetryStoreException("The answer was lost.", isTransient: true) : "done"
                )
                .TakesIdempotencyKey()
                .WithMetadata(new Guards.RestEndpoint())
                .RequireTenant()
        );
        Assert.Equal("busy", (await world.PostAsync("/broken", world.Ann.Token, "", Key)).Problem);
        Assert.Equal("in-progress", (await world.PostAsync("/broken", world.Ann.Token, "", Key)).Problem);
        world.Time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(200, (await world.PostAsync("/broken", world.Ann.Token, "", Key)).Status);
        Assert.Equal(2, times);
    }
}
