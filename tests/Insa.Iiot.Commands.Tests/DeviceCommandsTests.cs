using System.Text;
using static Insa.Iiot.Commands.Tests.CommandWorld;

namespace Insa.Iiot.Commands.Tests;

public sealed class DeviceCommandsTests : IAsyncLifetime
{
    private readonly CommandWorld _world = new();

    private IDeviceCommands Commands => _world.Commands;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Commands_are_read_in_the_order_in_which_they_were_sent()
    {
        for (var i = 1; i <= 20; i++)
            Assert.Equal(i, (await _world.SendAsync($"c{i}")).Id);
        var open = await Commands.ReadOpenAsync(Plant, Press);
        Assert.Equal(Enumerable.Range(1, 20).Select(i => ((long)i, $"c{i}")), open.Select(one => (one.Id, one.Name)));
        Assert.All(open, one => Assert.Equal("""{"percent":40}""", Encoding.UTF8.GetString(one.Data.Span)));
        Assert.All(open, one => Assert.Equal(DeviceCommandState.Waiting, one.State));
    }

    [Fact]
    public async Task A_confirmed_command_is_over_unless_it_needs_an_answer()
    {
        await _world.SendAsync("a");
        await _world.SendAsync("b", needsAnswer: true);
        await _world.SendAsync("c");
        await Commands.ConfirmAsync(Plant, Press, [1, 2, 99]);
        Assert.Equal("b c", await _world.OpenAsync());
        Assert.Equal(DeviceCommandState.Delivered, (await Commands.FindAsync(Plant, Press, 1))!.State);
        var answered = await Commands.AnswerAsync(
            Plant,
            Press,
            2,
            new DeviceCommandAnswer
            {
                IsSuccess = false,
                ContentType = "text/plain",
                Data = "stuck"u8.ToArray(),
            }
        );
        Assert.Equal(DeviceCommandState.Failed, answered!.State);
        Assert.Equal("stuck", Encoding.UTF8.GetString(answered.Answer!.Data.Span));
        Assert.Equal("c", await _world.OpenAsync());
    }

    [Fact]
    public async Task The_first_answer_counts()
    {
        await _world.SendAsync("a", needsAnswer: true);
        await Commands.AnswerAsync(Plant, Press, 1, new DeviceCommandAnswer { IsSuccess = true });
        var again = await Commands.AnswerAsync(Plant, Press, 1, new DeviceCommandAnswer { IsSuccess = false });
        Assert.Equal(DeviceCommandState.Succeeded, again!.State);
        Assert.Null(await Commands.AnswerAsync(Plant, Press, 2, new DeviceCommandAnswer { IsSuccess = true }));
        Assert.Null(await Commands.AnswerAsync(Plant, Press, -1, new DeviceCommandAnswer { IsSuccess = true }));
    }

    [Fact]
    public async Task A_command_that_is_too_late_is_not_delivered()
    {
        await _world.SendAsync("soon", lifetime: TimeSpan.FromSeconds(10));
        await _world.SendAsync("later");
        _world.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(DeviceCommandState.Expired, (await Commands.FindAsync(Plant, Press, 1))!.State);
        Assert.Equal("later", await _world.OpenAsync());
        Assert.Equal(
            DeviceCommandState.Expired,
            (await Commands.AnswerAsync(Plant, Press, 1, new DeviceCommandAnswer { IsSuccess = true }))!.State
        );
    }

    [Fact]
    public async Task A_command_can_be_taken_back()
    {
        await _world.SendAsync("a");
        await _world.SendAsync("b");
        Assert.Equal(DeviceCommandState.Cancelled, (await Commands.CancelAsync(Plant, Press, 1))!.State);
        Assert.Equal("b", await _world.OpenAsync());
        await Commands.ConfirmAsync(Plant, Press, [2]);
        Assert.Equal(DeviceCommandState.Delivered, (await Commands.CancelAsync(Plant, Press, 2))!.State);
        Assert.Null(await Commands.CancelAsync(Plant, Press, 3));
    }

    [Fact]
    public async Task There_are_only_so_many_open_commands_and_those_that_expire_make_room()
    {
        for (var i = 0; i < IDeviceCommands.MaxOpen; i++)
            await _world.SendAsync("a", lifetime: i == 0 ? TimeSpan.FromSeconds(1) : null);
        await Assert.ThrowsAsync<LimitReachedException>(async () => await _world.SendAsync("b"));
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(IDeviceCommands.MaxOpen + 1, (await _world.SendAsync("b")).Id);
        await Assert.ThrowsAsync<LimitReachedException>(async () => await _world.SendAsync("c"));
    }

    [Fact]
    public async Task Many_senders_at_once_do_not_pass_the_bound_and_number_without_gaps()
    {
        var sent = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        var ids = new List<long>();
                        for (var i = 0; i < 4; i++)
                        {
                            try
                            {
                                ids.Add((await _world.SendAsync("a")).Id);
                            }
                            catch (LimitReachedException) { }
                            catch (TelemetryStoreException e) when (e.IsTransient)
                            {
                                i--;
                            }
                        }

                        return ids;
                    })
                )
        );
        Assert.Equal(Enumerable.Range(1, IDeviceCommands.MaxOpen).Select(i => (long)i), sent.SelectMany(ids => ids).Order());
    }

    [Fact]
    public async Task The_last_commands_are_kept_and_listed_latest_first()
    {
        for (var i = 1; i <= IDeviceCommands.MaxKept + 10; i++)
        {
            await _world.SendAsync($"c{i}", needsAnswer: i == 5);
            await Commands.ConfirmAsync(Plant, Press, [i]);
        }

        var first = await Commands.ListAsync(Plant, Press, null, 100);
        var rest = await Commands.ListAsync(Plant, Press, first[^1].Id, 1000);
        var ids = first.Concat(rest).Select(one => one.Id).ToList();
        Assert.Equal(Enumerable.Range(11, IDeviceCommands.MaxKept).Reverse().Select(i => (long)i).Append(5), ids);

        // Open longer than others are kept: it is not when it ends.
        Assert.Null(await Commands.AnswerAsync(Plant, Press, 5, new DeviceCommandAnswer { IsSuccess = true }));
    }

    [Fact]
    public async Task Devices_and_tenants_have_their_own()
    {
        var longer = DeviceId.Parse("press-2");
        await _world.SendAsync("a");
        var request = new DeviceCommandRequest { Name = "b" };
        Assert.Equal(1, (await Commands.SendAsync(Plant, longer, request)).Id);
        Assert.Equal(1, (await Commands.SendAsync(Other, Press, request)).Id);
        Assert.Equal("a", await _world.OpenAsync());
        Assert.Equal("b", Assert.Single(await Commands.ListAsync(Plant, longer, null, 10)).Name);
        await Commands.ConfirmAsync(Other, Press, [1]);
        await Commands.ClearAsync(Plant, longer);
        Assert.Equal("a", await _world.OpenAsync());
        Assert.Empty(await Commands.ListAsync(Plant, longer, null, 10));
        Assert.Equal(DeviceCommandState.Waiting, (await Commands.FindAsync(Plant, Press, 1))!.State);
    }

    [Fact]
    public async Task What_is_not_valid_is_refused()
    {
        await Refused(new DeviceCommandRequest { Name = "" });
        await Refused(new DeviceCommandRequest { Name = "a\n" });
        await Refused(new DeviceCommandRequest { Name = new string('a', 129) });
        await Refused(new DeviceCommandRequest { Name = "a", Data = "{"u8.ToArray() });
        await Refused(new DeviceCommandRequest { Name = "a", Data = "1 2"u8.ToArray() });
        await Refused(new DeviceCommandRequest { Name = "a", Data = " "u8.ToArray() });
        await Refused(new DeviceCommandRequest { Name = "a", Data = """["\ud800"]"""u8.ToArray() });
        await Refused(new DeviceCommandRequest { Name = "a", Data = new byte[] { 0x22, 0xff, 0x22 } });
        await Refused(new DeviceCommandRequest { Name = "a", Data = Encoding.UTF8.GetBytes(new string('[', 33) + new string(']', 33)) });
        await Refused(new DeviceCommandRequest { Name = "a", Data = new byte[DeviceCommandRequest.MaxDataBytes + 1] });
        await Refused(new DeviceCommandRequest { Name = "a", Lifetime = TimeSpan.Zero });
        await Refused(new DeviceCommandRequest { Name = "a", Lifetime = TimeSpan.FromDays(31) });
        await _world.SendAsync("a");
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await Commands.AnswerAsync(
                Plant,
                Press,
                1,
                new DeviceCommandAnswer { IsSuccess = true, Data = new byte[DeviceCommandAnswer.MaxDataBytes + 1] }
            )
        );
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await Commands.AnswerAsync(Plant, Press, 1, new DeviceCommandAnswer { IsSuccess = true, ContentType = "a\r\nb" })
        );

        async Task Refused(DeviceCommandRequest request) =>
            await Assert.ThrowsAsync<ArgumentException>(async () => await Commands.SendAsync(Plant, Press, request));
    }
}
