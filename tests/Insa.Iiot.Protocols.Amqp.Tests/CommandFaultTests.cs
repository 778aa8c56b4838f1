using System.Globalization;
using RabbitMQ.Client.Exceptions;

namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class CommandFaultTests(HarmedBroker fixture) : IClassFixture<HarmedBroker>
{
    [Fact]
    public async Task Commands_that_are_sent_while_the_broker_is_killed_all_arrive_when_it_is_back()
    {
        const int Before = 10;
        const int While = 50;
        await using var world = await CommandWorld.StartAsync(fixture.Broker.Uri);
        var first = await world.ListenAsync(CommandWorld.Press);
        await fixture.Broker.SettleQueuesAsync();
        var ids = new List<long>();
        for (var i = 0; i < Before; i++)
            ids.Add((await world.SendAsync(CommandWorld.Press, $"c{i}")).Id);
        await CommandWorld.ReadAsync(first);
        var killing = fixture.Broker.KillAsync();
        for (var i = 0; i < While; i++)
            ids.Add((await world.SendAsync(CommandWorld.Press, $"d{i}")).Id);
        await killing;
        await fixture.Broker.StartAgainAsync();

        var second = await world.ListenAsync(CommandWorld.Press);
        var found = new HashSet<long>();
        while (first.TryRead(out var message))
            found.Add(IdOf(message));
        found.Add(ids[0]);
        while (found.Count < ids.Count)
            found.Add(IdOf(await CommandWorld.ReadAsync(second)));
        Assert.Equal(ids.ToHashSet(), found);
        foreach (var id in ids)
        {
            await CommandWorld.WaitForAsync(async () =>
                await world.Commands.FindAsync(world.Tenant, CommandWorld.Press, id) is { State: DeviceCommandState.Delivered } one
                    ? one
                    : null
            );
        }

        static long IdOf(RabbitMQ.Client.Events.BasicDeliverEventArgs message) =>
            long.Parse(message.BasicProperties.MessageId!.Split('/')[2], CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Answers_are_taken_again_when_a_broker_that_was_killed_is_back()
    {
        await using var world = await CommandWorld.StartAsync(fixture.Broker.Uri);
        await fixture.Broker.SettleQueuesAsync();
        var command = await world.SendAsync(CommandWorld.Press, "open", needsAnswer: true);
        await fixture.Broker.KillAsync();
        await fixture.Broker.StartAgainAsync();
        await world.WaitForLogAsync(4034, count: 2);
        await world.WaitForLogAsync(4010, count: 2); // without anything to send
        await world.AnswerAsync($"{world.Tenant}/press/{command.Id}", "1");
        await world.WaitForStateAsync(command, DeviceCommandState.Succeeded);
    }

    [Fact]
    public async Task Where_the_broker_says_so_a_login_answers_for_its_own_device_only()
    {
        await using var world = await CommandWorld.StartAsync(fixture.Broker.Uri);
        await fixture.Broker.ControlAsync("add_user", "press", "secret");
        await fixture.Broker.ControlAsync("set_permissions", "press", "^$", "^iiot[.]responses$", "^$");
        await fixture.Broker.ControlAsync(
            "set_topic_permissions",
            "press",
            "iiot.responses",
            $"^responses[.]{world.Tenant}[.]press$",
            "^$"
        );
        var command = await world.SendAsync(CommandWorld.Press, "open", needsAnswer: true);
        var login = new UriBuilder(fixture.Broker.Uri) { UserName = "press", Password = "secret" }.Uri;
        await Assert.ThrowsAnyAsync<OperationInterruptedException>(() =>
            world.AnswerAsync($"{world.Tenant}/saw.2/1", "", CommandWorld.Saw, login: login)
        );
        await world.AnswerAsync($"{world.Tenant}/press/{command.Id}", "", login: login);
        await world.WaitForStateAsync(command, DeviceCommandState.Succeeded);
    }
}
