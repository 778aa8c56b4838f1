using Insa.Iiot.Commands.Records;
using static Insa.Iiot.Commands.Tests.CommandWorld;

namespace Insa.Iiot.Commands.Tests;

public sealed class CommandNewsTests : IAsyncLifetime
{
    private readonly CommandWorld _world = new();
    private readonly List<(TenantId, DeviceId)> _here = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_host_hears_once_of_what_it_has_sent_itself()
    {
        _world.Commands.Changed += (tenant, device) => _here.Add((tenant, device));
        await _world.SendAsync("a");
        Assert.Equal([(Plant, Press)], _here);
        await _world.News.HearAsync(CancellationToken.None);
        Assert.Single(_here);
        await _world.Commands.CancelAsync(Plant, Press, 1);
        Assert.Equal(2, _here.Count);
    }

    [Fact]
    public async Task A_host_hears_once_of_what_another_has_sent()
    {
        await using var other = new CommandWorld(_world);
        other.Commands.Changed += (tenant, device) => _here.Add((tenant, device));
        await _world.SendAsync("a");
        Assert.Empty(_here);
        await other.News.HearAsync(CancellationToken.None);
        await other.News.HearAsync(CancellationToken.None);
        Assert.Equal([(Plant, Press)], _here);
        _world.Time.Advance(TimeSpan.FromSeconds(20));
        await _world.SendAsync("b");
        await other.News.HearAsync(CancellationToken.None);
        Assert.Equal(2, _here.Count);
    }

    [Fact]
    public async Task The_service_asks_as_often_as_it_is_told_to()
    {
        await using var other = new CommandWorld(_world);
        var heard = new TaskCompletionSource();
        other.Commands.Changed += (_, _) => heard.TrySetResult();
        await other.Service.StartAsync(CancellationToken.None);
        await _world.SendAsync("a");
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        await heard.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await other.Service.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task News_goes_when_everybody_has_had_time_to_hear_it()
    {
        await _world.SendAsync("a");
        _world.Time.Advance(TimeSpan.FromMinutes(1));
        await _world.SendAsync("b");
        await _world.News.SweepAsync(CancellationToken.None);
        Assert.Equal(2, await CountAsync());
        _world.Time.Advance(TimeSpan.FromSeconds(61));
        await _world.News.SweepAsync(CancellationToken.None);
        Assert.Equal(1, await CountAsync());
        Assert.Equal("a b", await _world.OpenAsync());
    }

    [Fact]
    public async Task A_host_without_adapters_forgets_what_it_has_told()
    {
        await _world.SendAsync("a");
        Assert.Equal(1, _world.News.SeenCount);
        _world.Time.Advance(TimeSpan.FromSeconds(31));
        await _world.News.HearAsync(CancellationToken.None);
        Assert.Equal(0, _world.News.SeenCount);
    }

    [Fact]
    public async Task A_listener_that_fails_does_not_keep_a_command_from_being_sent()
    {
        _world.Commands.Changed += (_, _) => throw new InvalidOperationException("no");
        Assert.Equal(1, (await _world.SendAsync("a")).Id);
    }

    private async Task<int> CountAsync() => (await _world.Store.ListAsync(ControlScope.Platform, CommandKeys.News, null, 100)).Count;
}
