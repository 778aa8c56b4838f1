using Insa.Iiot.Protocols.Amqp.Connections;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class AgendaTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_device_is_due_once_however_often_there_is_news_of_it()
    {
        var agenda = new Agenda<DeviceId>(10, _time);
        agenda.Add(Device(1));
        agenda.Add(Device(1));
        agenda.Add(Device(2));
        Assert.Equal(Device(1), await agenda.TakeAsync(default));
        Assert.Equal(Device(2), await agenda.TakeAsync(default));
        Assert.Equal(0, agenda.DueCount);
    }

    [Fact]
    public async Task News_of_a_device_that_is_being_looked_at_makes_it_due_when_that_is_done()
    {
        var agenda = new Agenda<DeviceId>(10, _time);
        agenda.Add(Device(1));
        await agenda.TakeAsync(default);
        agenda.Add(Device(1));
        Assert.Equal(0, agenda.DueCount);
        agenda.Done(Device(1), again: null);
        Assert.Equal(Device(1), await agenda.TakeAsync(default));
    }

    [Fact]
    public async Task A_device_is_looked_at_again_after_its_time_or_at_news()
    {
        var agenda = new Agenda<DeviceId>(10, _time);
        foreach (var number in (int[])[1, 2, 3])
        {
            agenda.Add(Device(number));
            await agenda.TakeAsync(default);
        }

        agenda.Done(Device(1), TimeSpan.FromSeconds(30));
        agenda.Done(Device(2), TimeSpan.FromSeconds(30));
        agenda.Done(Device(3), again: null);
        agenda.Promote();
        Assert.Equal(0, agenda.DueCount);
        agenda.Add(Device(1), isUrgent: false);
        Assert.Equal(0, agenda.DueCount);
        agenda.Add(Device(2));
        Assert.Equal(Device(2), await agenda.TakeAsync(default));
        _time.Advance(TimeSpan.FromSeconds(31));
        agenda.Promote();
        Assert.Equal(Device(1), await agenda.TakeAsync(default));
        Assert.Equal(0, agenda.DueCount);
    }

    [Fact]
    public async Task Without_room_what_was_tried_in_vain_gives_way_to_news_and_the_next_walk_is_asked_for()
    {
        var agenda = new Agenda<DeviceId>(2, _time);
        agenda.Add(Device(1));
        await agenda.TakeAsync(default);
        agenda.Done(Device(1), TimeSpan.FromSeconds(30));
        agenda.Add(Device(2));
        Assert.False(agenda.TakeIncomplete());
        agenda.Add(Device(3));
        agenda.Add(Device(4));
        Assert.Equal(2, agenda.DueCount);
        Assert.True(agenda.TakeIncomplete());
        Assert.False(agenda.TakeIncomplete());
    }

    private static DeviceId Device(int number) => DeviceId.Parse($"d{number}");
}
