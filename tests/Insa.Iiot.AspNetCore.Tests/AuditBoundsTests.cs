using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>What keeps nothing out of the log, and what must not fill it.</summary>
public sealed class AuditBoundsTests
{
    [Fact]
    public async Task Breaking_off_a_request_keeps_nothing_out_of_the_log()
    {
        await using var world = await ApiWorld.MakeAsync(app =>
        {
            app.MapPost(
                    "/done",
                    (HttpContext http) =>
                    {
                        http.RequestAborted = new CancellationToken(canceled: true);
                        return Results.NoContent();
                    }
                )
                .Audits("thing.do")
                .RequireTenant();
            app.MapPost(
                    "/broken",
                    (HttpContext http) =>
                    {
                        http.RequestAborted = new CancellationToken(canceled: true);
                        http.RequestAborted.ThrowIfCancellationRequested();
                    }
                )
                .Audits("thing.break")
                .RequireTenant();
            app.MapPost("/failed", void (HttpContext _) => throw new InvalidOperationException("A fault."))
                .Audits("thing.fail")
                .RequireTenant();
        });
        Assert.Equal(204, (await world.PostAsync("/done", world.Ann.Token, "")).Status);
        foreach (var path in (string[])["/broken", "/failed"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path);
            request.Headers.Authorization = new("Bearer", world.Ann.Token);
            using var answer = await world.Http.SendAsync(request);
            Assert.False(answer.IsSuccessStatusCode);
        }

        Assert.Equal(
            [("thing.do", null), ("thing.break", "aborted"), ("thing.fail", "failed")],
            (await world.Get<AuditLog>().ListAsync(ControlScope.Of(ApiWorld.Plant), 0, 10)).Select(entry => (entry.Action, entry.Refusal))
        );
    }

    [Fact]
    public async Task A_flood_of_sign_ins_is_not_logged_one_by_one()
    {
        await using var world = await ApiWorld.MakeAsync(configure: iiot =>
            iiot.Services.Configure<RestApiOptions>(api => api.SignInRate = "2:10")
        );
        Assert.Equal([401, 401, 429, 429, 429], await RefreshAsync(world, 5));
        Assert.Equal(2, (await world.Get<AuditLog>().ListAsync(ControlScope.Platform, 0, 10)).Count);
    }

    [Fact]
    public async Task Failures_of_one_address_that_nobody_is_known_for_are_bounded_in_the_log()
    {
        await using var world = await ApiWorld.MakeAsync();
        Assert.All(await RefreshAsync(world, 40), status => Assert.Equal(401, status));
        Assert.Equal(30, (await world.Get<AuditLog>().ListAsync(ControlScope.Platform, 0, 100)).Count);
        world.Time.Advance(TimeSpan.FromMinutes(2));
        await RefreshAsync(world, 1);
        Assert.Equal(31, (await world.Get<AuditLog>().ListAsync(ControlScope.Platform, 0, 100)).Count);
    }

    [Fact]
    public async Task People_of_one_address_renew_their_sessions_and_each_only_so_often()
    {
        await using var world = await ApiWorld.MakeAsync(configure: iiot =>
            iiot.Services.Configure<RestApiOptions>(api => api.SignInRate = "2:10")
        );
        foreach (var person in (ApiWorld.Person[])[world.Ann, world.Bob])
        {
            var token = person.RefreshToken;
            for (var i = 0; i < 2; i++)
                token = (string)(await RefreshAsync(world, token)).Json["refreshToken"]!;
            var refused = await RefreshAsync(world, token);
            Assert.Equal("quota-exceeded", refused.Problem);
            world.Time.Advance(TimeSpan.FromSeconds(20));
            Assert.Equal(200, (await RefreshAsync(world, token)).Status);
        }
    }

    private static Task<ApiWorld.Answer> RefreshAsync(ApiWorld world, string token) =>
        world.PostAsync("/api/v1/auth/refresh", null, $$"""{"refreshToken":"{{token}}"}""");

    private static async Task<List<int>> RefreshAsync(ApiWorld world, int times)
    {
        var answers = new List<int>();
        for (var i = 0; i < times; i++)
            answers.Add((await world.PostAsync("/api/v1/auth/refresh", null, """{"refreshToken":"none"}""")).Status);
        return answers;
    }
}
